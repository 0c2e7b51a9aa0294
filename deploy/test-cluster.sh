#!/usr/bin/env bash
# Tries docker-compose.yml as it is, with images made without a registry, on a Docker daemon of its own that is removed.
#   deploy/test-cluster.sh [--from DIR]
#   --from DIR   where the programs are (default: .build-static/release)
# Kafka's and Redis' public images are replaced by ones of Debian's packages and KAFKA_HOME (../shared/kafka), under the
# same names. Needs root, dockerd (docker.io), docker-compose 1.29 or Docker's compose plugin, and a host that lets
# dockerd make bridges. Ends with 0 if all of it worked, 1 if not, 75 if it could not be tried.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"
. "$here/../images/lib/rootfs.sh"
from="$root/.build-static/release"
if [[ "${1:-}" == --from && $# == 2 ]]; then
    from="$2"
elif (($# > 0)); then
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    [[ "$1" == -h || "$1" == --help ]] && exit 0
    exit 64
fi
cannot() {
    complain "not tried: $*"
    exit 75
}
((EUID == 0)) || cannot "this needs root"
command -v dockerd >/dev/null || cannot "there is no dockerd: install Debian's docker.io"
kafka_home="${KAFKA_HOME:-$root/../shared/kafka}"
[[ -x "$kafka_home/kafka" ]] || cannot "no Kafka here: set KAFKA_HOME to a folder with the script kafka"
if docker compose version >/dev/null 2>&1; then
    compose_command=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose_command=(docker-compose)
else
    cannot "there is neither Docker's compose plugin nor Debian's docker-compose"
fi

scratch="$(mktemp -d)"
daemon="" files="" is_up=false
passed() { say "ok: $*"; }
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.3
    done
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }
compose() { "${compose_command[@]}" --file "$scratch/compose.yml" --project-name sandboxtest "$@"; }
clean_up() {
    end_child
    if [[ -n "$files" ]]; then rm -rf "$files"; fi
    if $is_up; then
        docker ps --quiet --filter "label=com.docker.compose.project=sandboxtest" >/dev/null 2>&1 &&
            compose down --volumes --timeout 20 >/dev/null 2>&1 || true
        # Sandboxes live on without their worker.
        docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null 2>&1 || true
    fi
    if [[ -n "$daemon" ]]; then
        kill -TERM "$daemon" 2>/dev/null || true
        await 60 is_gone "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    rm -rf --one-file-system "$scratch" 2>/dev/null || complain "could not remove all of $scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export DOCKER_HOST="unix://$scratch/docker.sock"
setsid dockerd --host "$DOCKER_HOST" --data-root "$scratch/docker" --exec-root "$scratch/docker-run" \
    --pidfile "$scratch/docker.pid" >"$scratch/docker.log" 2>&1 </dev/null &
daemon=$!
await 60 docker version || die "the Docker daemon does not start: $(tail -n 5 "$scratch/docker.log")"
docker network create probe >/dev/null 2>&1 || cannot "this host lets dockerd make no bridge"
docker network rm probe >/dev/null

"$here/build-images.sh" --from "$from"
# The servers' images and one for sandboxes, from one root file system.
servers="$root/.images/servers"
packages=redis-server,default-jre-headless,python3.11,python3-distutils,libstdc++6,ca-certificates,tzdata,procps
if [[ "$(cat "$servers.packages" 2>/dev/null || true)" != "$packages" || ! -d "$servers" ]]; then
    ensure_packages debootstrap debian-archive-keyring
    step "Unpacking Debian's packages" "$(log_folder)/image-servers.log" \
        make_rootfs "$servers" "$packages" "$root/.images/.cache"
    printf '%s' "$packages" >"$servers.packages"
fi
# Kafka's public image takes server.properties from the environment: KAFKA_LOG_DIRS is log.dirs.
mkdir -p "$scratch/kafka/opt/kafka" "$scratch/kafka/var/lib/kafka/data" "$scratch/none"
cp -r "$kafka_home/." "$scratch/kafka/opt/kafka/"
chmod 0755 "$scratch/kafka" "$scratch/none"
chown 1000:1000 "$scratch/kafka/var/lib/kafka/data"
cat >"$scratch/kafka/opt/kafka/from-environment" <<'SCRIPT'
#!/bin/bash
set -euo pipefail
lines=()
while IFS='=' read -r name value; do
    [[ "$name" == KAFKA_* && "$name" != KAFKA_HEAP_OPTS && "$name" != KAFKA_OPTS ]] || continue
    name="${name#KAFKA_}"
    name="${name//_/.}"
    lines+=("${name,,}=$value")
done < <(env)
export KAFKA_CLUSTER_ID="$CLUSTER_ID" KAFKA_OPTS="$KAFKA_HEAP_OPTS"
exec /opt/kafka/kafka serve --data /tmp/kafka "${lines[@]}"
SCRIPT
chmod 0755 "$scratch/kafka/opt/kafka/from-environment"
files="$root/.images/test.$$"
import() {
    local image="$1" folder="$2"
    shift 2
    rm -rf "$files"
    cp --archive --link "$servers" "$files"
    cp --archive --remove-destination "$folder/." "$files/"
    tar --numeric-owner --create --directory "$files" . |
        docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$@" - "$image" >/dev/null
}
image_of() { sed -n "s|^ *image: \($1.*\)|\1|p" "$root/docker-compose.yml"; }
import "$(image_of apache/kafka)" "$scratch/kafka" --change 'ENTRYPOINT ["/opt/kafka/from-environment"]'
import "$(image_of redis)" "$scratch/none"
import sandbox-template-python-basic:latest "$scratch/none"

# The file as it is, but for the daemon's socket, which is ours.
mkdir -m 0700 "$scratch/worker"
sed "s|- /var/run/docker.sock:|- $scratch/docker.sock:|" "$root/docker-compose.yml" >"$scratch/compose.yml"
export WORKER_DATA_DIR="$scratch/worker" SANDBOX_PORT
SANDBOX_PORT="$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
if INTERNAL_TOKEN="" compose config >/dev/null 2>&1; then die "docker-compose.yml starts without INTERNAL_TOKEN"; fi
INTERNAL_TOKEN="$("$python" -c 'import secrets; print(secrets.token_hex(32))')"
export INTERNAL_TOKEN
compose config >/dev/null || die "docker-compose.yml is wrong"
is_up=true
compose up -d >"$scratch/up.log" 2>&1 || {
    for name in kafka redis gateway-1 dispatcher-1 worker-1 balancer; do compose logs --tail 20 "$name" || true; done
    die "compose up: $(tail -n 20 "$scratch/up.log")"
}
services=(balancer gateway-1 gateway-2 dispatcher-1 dispatcher-2 worker-1 kafka redis)
# docker-compose 1.29 takes a second for each question: the daemon is asked.
id_of() {
    docker ps --all --quiet --filter label=com.docker.compose.project=sandboxtest \
        --filter "label=com.docker.compose.service=$1"
}
health() { docker inspect --format '{{.State.Health.Status}}' "$(id_of "$1")"; }
is_healthy() { [[ "$(health "$1")" == healthy ]]; }
for service in "${services[@]}"; do
    await 120 is_healthy "$service" || {
        compose logs --tail 30 "$service"
        die "$service is $(health "$service")"
    }
done
passed "all of ${services[*]} are healthy"

url="http://127.0.0.1:$SANDBOX_PORT"
has_node() { curl --silent --fail --max-time 5 "$url/api/v1/nodes" | grep -q '"status":"ready"'; }
await 60 has_node || die "no node is ready"
execute() {
    printf 'def handler(event):\n    return event["a"] * 7\n' |
        timeout 90 "$from/sandbox" run - --event '{"a": 6}' --url "$url"
}
answer="$(execute 2>&1)" && [[ "$answer" == 42 ]] || {
    compose logs --tail 20 worker-1
    die "the execution answered '$answer'"
}
passed "a session and an execution through the port"

# What the file promises, as the daemon has it.
field() { docker inspect --format "$2" "$(id_of "$1")"; }
for service in "${services[@]}"; do
    (($(field "$service" '{{.HostConfig.Memory}}') > 0 && $(field "$service" '{{.HostConfig.NanoCpus}}') > 0)) ||
        die "$service has no limit of memory or cpu"
    [[ "$(field "$service" '{{.HostConfig.PidsLimit}}')" == 1024 ]] || die "$service has no limit of processes"
    [[ "$(field "$service" '{{.HostConfig.CapDrop}}')" == "[ALL]" ]] || die "$service keeps capabilities"
    [[ "$(field "$service" '{{.HostConfig.SecurityOpt}}')" == *no-new-privileges* ]] || die "$service may gain privileges"
    [[ "$(field "$service" '{{.HostConfig.RestartPolicy.Name}}')" == unless-stopped ]] || die "$service is not restarted"
    user="$(awk '$1 == "Uid:" { print $2 }' "/proc/$(field "$service" '{{.State.Pid}}')/status")"
    [[ "$service" == worker-1 || "$user" != 0 ]] || die "$service runs as root"
    [[ "$service" == kafka || "$(field "$service" '{{.HostConfig.ReadonlyRootfs}}')" == true ]] ||
        die "$service can write to its root"
done
passed "limits, users, capabilities and read-only roots are in force"

docker kill "$(id_of gateway-1)" >/dev/null
for _ in 1 2 3 4 5 6; do
    curl --silent --fail --max-time 10 "$url/api/v1/nodes" >/dev/null || die "the port failed after a gateway was killed"
done
[[ "$(execute 2>&1)" == 42 ]] || die "no execution after a gateway was killed"
passed "a gateway is killed and the port goes on"
docker kill "$(id_of dispatcher-1)" >/dev/null
# Its share of the partitions is taken over after KAFKA_SESSION_TIMEOUT_SECONDS.
for _ in 1 2 3 4; do await 30 execute || die "no execution after a dispatcher was killed"; done
[[ "$(execute 2>&1)" == 42 ]] || die "no execution after a dispatcher was killed"
passed "a dispatcher is killed and executions go on"
compose stop >/dev/null 2>&1
for service in gateway-2 dispatcher-2 worker-1; do
    [[ "$(docker inspect --format '{{.State.ExitCode}}' "$(id_of "$service")")" == 0 ]] ||
        die "$service did not stop cleanly"
done
passed "a clean stop"
say "All of it works."
