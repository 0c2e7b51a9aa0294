#!/usr/bin/env bash
# Makes the images of docker-compose.yml: sandbox-gateway, sandbox-dispatcher, sandbox-worker, sandbox-balancer.
#   deploy/build-images.sh [--registry] [--from DIR] [--fresh]
#   --registry   by deploy/Dockerfile.cluster, from Debian's public image; without it from Debian's packages, as root
#   --from DIR   where the programs are (default: .build-static/release); Swift's libraries are added if they need them
#   --fresh      fetch Debian's packages anew; what was unpacked stays in .images/cluster and is used again otherwise
# Needs a Docker daemon (DOCKER_HOST).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"
. "$here/../images/lib/rootfs.sh"

from="$root/.build-static/release"
is_fresh=false asks_registry=false
usage() {
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&"$1"
    exit "$2"
}
while (($# > 0)); do
    case "$1" in
    --from)
        (($# > 1)) || usage 2 64
        from="$2"
        shift
        ;;
    --registry) asks_registry=true ;;
    --fresh) is_fresh=true ;;
    -h | --help) usage 1 0 ;;
    *) usage 2 64 ;;
    esac
    shift
done
for program in APIGateway Dispatcher WorkerNode sandbox-agent; do
    [[ -x "$from/$program" ]] || die "there is no $from/$program: run deploy/build.sh, or name a folder with --from"
done
command -v docker >/dev/null || die "there is no docker here: install Debian's docker.io"
docker version --format '{{.Server.Version}}' >/dev/null || die "the Docker daemon does not answer; see DOCKER_HOST"

mkdir -p "$root/.images"
# Beside what was unpacked: an image is a folder of links to it.
scratch="$(mktemp -d "$root/.images/build.XXXXXX")"
trap 'end_child; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
swift_libraries() { ldd "$from/APIGateway" "$from/WorkerNode" "$from/Dispatcher" | awk '$3 ~ "/swift/" { print $3 }' | sort -u; }

if $asks_registry; then
    [[ -z "$(swift_libraries)" ]] || die "$from/APIGateway needs Swift's libraries: use what deploy/build.sh makes"
    cp "$from"/{APIGateway,Dispatcher,WorkerNode,sandbox-agent} "$here"/{haproxy.cfg,cluster-packages,worker-in-container} "$scratch/"
    for name in gateway dispatcher worker balancer; do
        step "Building sandbox-$name" "$(log_folder)/image-$name.log" \
            docker build --file "$here/Dockerfile.cluster" --target "$name" --tag "sandbox-$name:latest" "$scratch"
    done
    exit 0
fi

((EUID == 0)) || die "only root can unpack a root file system: sudo deploy/build-images.sh"
base="$root/.images/cluster"
packages="$(package_list "$here/cluster-packages")"
if $is_fresh || [[ "$(cat "$base.packages" 2>/dev/null || true)" != "$packages" || ! -d "$base" ]]; then
    ensure_packages debootstrap debian-archive-keyring
    step "Unpacking Debian's packages" "$(log_folder)/image-cluster.log" \
        make_rootfs "$base" "$packages" "$root/.images/.cache"
    printf '%s' "$packages" >"$base.packages"
fi
install -d -o 10001 -g 10001 -m 0700 "$base/var/lib/sandbox"

# import NAME FOLDER CHANGE…: what is in the base and in FOLDER, as sandbox-NAME:latest.
import() {
    local name="$1" folder="$2" change changes=()
    shift 2
    for change in 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV DATA_DIR=/var/lib/sandbox HOST=0.0.0.0' "$@"; do changes+=(--change "$change"); done
    cp --archive --link "$base" "$folder.root"
    cp --archive --remove-destination "$folder/." "$folder.root/"
    chmod 0755 "$folder.root"
    tar --numeric-owner --create --directory "$folder.root" . |
        docker import "${changes[@]}" - "sandbox-$name:latest"
}
# programs FOLDER NAME…
programs() {
    local folder="$1" library
    shift
    for program in "$@"; do install -D -m 0755 "$from/$program" "$folder/usr/local/bin/$program"; done
    # Where such a program looks for them.
    while read -r library; do install -D -m 0644 "$library" "$folder$library"; done < <(swift_libraries)
}
programs "$scratch/gateway" APIGateway
programs "$scratch/dispatcher" Dispatcher
programs "$scratch/worker" WorkerNode sandbox-agent
install -m 0755 "$here/worker-in-container" "$scratch/worker/usr/local/bin/"
install -D -m 0644 "$here/haproxy.cfg" "$scratch/balancer/etc/haproxy/haproxy.cfg"
logs="$(log_folder)"
step "Importing sandbox-gateway" "$logs/image-gateway.log" import gateway "$scratch/gateway" \
    'USER 10001:10001' 'EXPOSE 8000' 'ENTRYPOINT ["/usr/local/bin/APIGateway"]'
step "Importing sandbox-dispatcher" "$logs/image-dispatcher.log" import dispatcher "$scratch/dispatcher" \
    'USER 10001:10001' 'EXPOSE 8200' 'ENTRYPOINT ["/usr/local/bin/Dispatcher"]'
step "Importing sandbox-worker" "$logs/image-worker.log" import worker "$scratch/worker" \
    'EXPOSE 8100' 'ENTRYPOINT ["/usr/local/bin/worker-in-container"]'
step "Importing sandbox-balancer" "$logs/image-balancer.log" import balancer "$scratch/balancer" \
    'USER 10001:10001' 'EXPOSE 8000' \
    'ENTRYPOINT ["/usr/sbin/haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]'
