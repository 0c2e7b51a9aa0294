#!/usr/bin/env bash
# Makes the server's image sandbox:latest from Debian's packages and the programs of deploy/build.sh; no image registry is
# asked. Needs root for debootstrap, and a Docker daemon (DOCKER_HOST).
#   deploy/build-image.sh [--tag NAME] [--fresh]
# The unpacked packages stay in .images/server and are used again; --fresh fetches them anew. deploy/Dockerfile says the
# same for machines with a registry.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"
. "$here/../images/lib/rootfs.sh"

tag=sandbox:latest
is_fresh=false
usage() {
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&"$1"
    exit "$2"
}
while (($# > 0)); do
    case "$1" in
    --tag)
        (($# > 1)) || usage 2 64
        tag="$2"
        shift
        ;;
    --fresh) is_fresh=true ;;
    -h | --help) usage 1 0 ;;
    *) usage 2 64 ;;
    esac
    shift
done
programs="$root/.build-static/release"
[[ -x "$programs/sandbox" && -x "$programs/sandbox-agent" ]] || die "there are no programs in $programs: run deploy/build.sh"
((EUID == 0)) || die "only root can unpack a root file system: sudo deploy/build-image.sh"
command -v docker >/dev/null || die "there is no docker here: install Debian's docker.io"
docker version --format '{{.Server.Version}}' >/dev/null || die "the Docker daemon does not answer; see DOCKER_HOST"
trap end_child EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
ensure_packages debootstrap debian-archive-keyring

server="$root/.images/server"
packages="$(package_list "$here/packages")"
if $is_fresh || [[ "$(cat "$server.packages" 2>/dev/null || true)" != "$packages" || ! -d "$server" ]]; then
    step "Unpacking Debian's packages" "$(log_folder)/image-server.log" \
        make_rootfs "$server" "$packages" "$root/.images/.cache"
    printf '%s' "$packages" >"$server.packages"
fi
printf 'root:300000:65536\n' >"$server/etc/subuid"
printf 'root:300000:65536\n' >"$server/etc/subgid"
install -d -o 300000 -g 300000 -m 0700 "$server/var/lib/sandbox"
install -m 0755 "$programs/sandbox" "$programs/sandbox-agent" "$here/serve-in-container" "$server/usr/local/bin/"
# What is in the Dockerfile after its files.
import_image() {
    tar --directory "$server" --numeric-owner --create . | docker import \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/var/lib/sandbox' \
        --change 'VOLUME /var/lib/sandbox' --change 'EXPOSE 8000' \
        --change 'ENTRYPOINT ["/usr/local/bin/serve-in-container"]' - "$tag"
}
step "Importing $tag" "$(log_folder)/image-import.log" import_image
say "$tag: $(docker image inspect --format '{{.Size}}' "$tag" | numfmt --to=iec)"
