#!/usr/bin/env bash
# Tries what is in this folder: the installation, the service's privileges, the image, docker-compose.one-machine.yml.
#   deploy/test.sh
# Starts a Docker daemon of its own in a temporary folder unless one answers (DOCKER_HOST). Ends with 0 if all of it
# worked, 1 if something did not, 75 if something could not be tried; it says what.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
if (($# > 0)); then
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    [[ "$1" == -h || "$1" == --help ]] && exit 0
    exit 64
fi

scratch="$(mktemp -d)"
program="$root/.build-static/release/sandbox"
server="" daemon="" project="" untried=()
passed() { say "ok: $*"; }
skip() {
    say "not tried: $*"
    untried+=("$*")
}

# await SECONDS COMMAND…: until it succeeds.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }
# By its number; killed if it does not end in 60 s.
end() {
    kill -TERM "$1" 2>/dev/null || return 0
    await 60 is_gone "$1" || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null
}
compose() { "${compose_command[@]}" --file "$root/docker-compose.one-machine.yml" --project-name "$project" "$@"; }
clean_up() {
    end_child
    if [[ -n "$server" ]]; then end "$server" || true; fi
    if [[ -n "$project" ]]; then compose down --volumes >/dev/null 2>&1 || true; fi
    if [[ -n "$daemon" ]]; then end "$daemon" || true; fi
    # A daemon that was cut off leaves mounts; what is under them is not ours to remove.
    rm -rf --one-file-system "$scratch" 2>/dev/null || complain "could not remove all of $scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# try_server WHAT: health, an execution, and the limits and users that sandboxes should have.
try_server() {
    local detail answer
    await 60 "$program" status --url "$url" || die "$1: not healthy after 60 s"
    detail="$("$program" status --url "$url")"
    [[ "$detail" == *"isolates_users: true"* ]] || die "$1: sandboxes have no users of their own"
    answer="$(printf 'def handler(event):\n    return event["a"] * 7\n' |
        timeout 60 "$program" run - --event '{"a": 6}' --url "$url")" || die "$1: the execution failed: $answer"
    [[ "$answer" == 42 ]] || die "$1: the execution answered '$answer'"
    if [[ "$detail" == *"language_javascript: available"* ]]; then
        answer="$(printf 'exports.handler = async () => 6 * 7' |
            timeout 60 "$program" run - --language javascript --url "$url" 2>&1)" && [[ "$answer" == 42 ]] ||
            die "$1: JavaScript answered '$answer'"
    else
        skip "$1: JavaScript, without node"
    fi
    answer="$(printf 'cat /etc/ssl/certs/ca-certificates.crt >/dev/null && id -u' |
        timeout 60 "$program" run - --language shell --url "$url" 2>&1)" && [[ "$answer" == 1000* ]] ||
        die "$1: a shell script answered '$answer'"
    if [[ "$detail" == *"limit_memory: cgroup"* ]]; then
        answer="$(printf 'b = bytearray(700 << 20)' | timeout 60 "$program" run - --url "$url" 2>&1)" &&
            die "$1: a sandbox took more memory than it may have"
        [[ "$answer" == *"out of memory"* ]] || die "$1: a sandbox without memory answered '$answer'"
    else
        skip "$1: the memory limit of a sandbox, as this host gives it no control groups"
    fi
    passed "$1: healthy, an execution, its limits"
}

try_installation() {
    local output
    "$here/install.sh" --help >/dev/null
    DESTDIR="$scratch/root" "$here/install.sh" >/dev/null
    printf 'LOG_LEVEL=debug\n' >"$scratch/root/etc/sandbox/sandbox.env"
    DESTDIR="$scratch/root" "$here/install.sh" >/dev/null
    [[ "$(<"$scratch/root/etc/sandbox/sandbox.env")" == LOG_LEVEL=debug ]] || die "install.sh changed the settings"
    mkdir "$scratch/dynamic"
    printf '#!/bin/sh\n' | tee "$scratch/dynamic/sandbox" >"$scratch/dynamic/sandbox-agent"
    if DESTDIR="$scratch/root" "$here/install.sh" --from "$scratch/dynamic" >/dev/null 2>&1; then
        die "install.sh took files without execute permission"
    fi
    passed "install.sh: installs, keeps settings, refuses what is no program"
    if ! command -v systemd-analyze >/dev/null; then
        skip "sandbox.service, without systemd-analyze"
        return
    fi
    sed "s|/usr/local/bin/|$scratch/root/usr/local/bin/|" "$here/sandbox.service" >"$scratch/sandbox.service"
    output="$(systemd-analyze verify --man=no "$scratch/sandbox.service" 2>&1)" && [[ -z "$output" ]] ||
        die "systemd-analyze verify: $output"
    passed "sandbox.service: systemd-analyze finds nothing"
}

# With the unit's capabilities; the rest of its settings needs a running systemd.
try_capabilities() {
    local capabilities port
    if ((EUID != 0)); then
        skip "the service's capabilities, which need root"
        return
    fi
    capabilities="$(sed -n 's/^CapabilityBoundingSet=//p' "$here/sandbox.service" | tr 'A-Z ' 'a-z\n' |
        sed 's/^cap_/+/' | paste -sd, -)"
    port="$(free_port)"
    url="http://127.0.0.1:$port"
    (umask "$(sed -n 's/^UMask=//p' "$here/sandbox.service")" && exec setpriv --bounding-set "-all,$capabilities" --inh-caps -all --no-new-privs \
        "$scratch/root/usr/local/bin/sandbox" serve --port "$port" --data "$scratch/data") \
        >"$scratch/serve.log" 2>&1 </dev/null &
    server=$!
    try_server "the service's capabilities"
    local pid="$server"
    server=""
    end "$pid" || die "the server did not stop cleanly: $(tail -n 5 "$scratch/serve.log")"
}

# Uses the daemon that answers, else starts one; fails if there can be none.
find_daemon() {
    if docker version >/dev/null 2>&1; then return 0; fi
    if ((EUID != 0)) || ! command -v dockerd >/dev/null; then return 1; fi
    export DOCKER_HOST="unix://$scratch/docker.sock"
    # A session of its own: else a signal to our group would end it too. No rules of the host are touched.
    setsid dockerd --host "$DOCKER_HOST" --data-root "$scratch/docker" --exec-root "$scratch/docker-run" \
        --pidfile "$scratch/docker.pid" --iptables=false --ip-forward=false --ip-masq=false \
        >"$scratch/docker.log" 2>&1 </dev/null &
    daemon=$!
    await 60 docker version || die "the Docker daemon does not start: $(tail -n 5 "$scratch/docker.log")"
}

try_container() {
    if ! command -v docker >/dev/null; then
        skip "the image and docker-compose.one-machine.yml, without docker (Debian's docker.io)"
        return
    fi
    if docker compose version >/dev/null 2>&1; then
        compose_command=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose_command=(docker-compose)
    else
        skip "docker-compose.one-machine.yml, without Docker's compose plugin or Debian's docker-compose"
        return
    fi
    if ((EUID != 0)) || ! find_daemon; then
        skip "the image and docker-compose.one-machine.yml, without root and a Docker daemon (Debian's docker.io)"
        return
    fi
    "$here/build-image.sh"
    project="sandboxtest$$"
    SANDBOX_PORT="$(free_port)"
    export SANDBOX_PORT
    url="http://127.0.0.1:$SANDBOX_PORT"
    compose up -d >"$scratch/compose.log" 2>&1 || die "compose up: $(tail -n 5 "$scratch/compose.log")"
    try_server "docker-compose.one-machine.yml"
    local container map
    container="$(compose ps -q)"
    map="$(docker exec "$container" cat /proc/1/uid_map)"
    [[ "$map" =~ ^\ *0\ +300000\ +65536$ ]] || die "the server is not in a user namespace of its own: $map"
    "$program" template create kept --url "$url" >/dev/null
    compose restart >"$scratch/compose.log" 2>&1 || die "compose restart: $(tail -n 5 "$scratch/compose.log")"
    await 60 "$program" template get kept --url "$url" || die "the data did not outlive a restart"
    is_marked_healthy() { [[ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" == healthy ]]; }
    await 60 is_marked_healthy || die "Docker does not find the container healthy"
    compose stop >"$scratch/compose.log" 2>&1
    [[ "$(docker inspect --format '{{.State.ExitCode}}' "$container")" == 0 ]] || die "the container did not stop cleanly"
    passed "docker-compose.one-machine.yml: own users, data outlives a restart, health check, clean stop"
}

[[ -x "$program" ]] || "$here/build.sh"
try_installation
try_capabilities
try_container
if ((${#untried[@]} > 0)); then exit 75; fi
say "All of it works."
