#!/usr/bin/env bash
# Builds unpacked root file systems for sandboxes from Debian's packages; no image registry is asked. Needs root.
#   images/build.sh [--docker [--no-registry]] [--to DIR] [--no-test] [NAME…]
# NAME is a folder beside this script; all of them by default. Each goes into DIR/NAME (.images/NAME by default), is tried
# with its smoke-test unless --no-test, and the setting that offers it to a server is printed.
# --docker makes images of the Docker daemon at DOCKER_HOST instead: by each folder's Dockerfile where a registry gives
# Debian's public image, else, or with --no-registry, from such a root file system.
# DEBIAN_MIRROR replaces http://deb.debian.org/debian.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"
. "$here/lib/rootfs.sh"
. "$here/lib/engine.sh"

to="$root/.images"
must_test=true
for_docker=false
asks_registry=true
names=()
usage() {
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&"$1"
    exit "$2"
}
while (($# > 0)); do
    case "$1" in
    --to)
        (($# > 1)) || usage 2 64
        to="$2"
        shift
        ;;
    --no-test) must_test=false ;;
    --docker) for_docker=true ;;
    --no-registry) asks_registry=false ;;
    -h | --help) usage 1 0 ;;
    -*) usage 2 64 ;;
    *) names+=("$1") ;;
    esac
    shift
done
if ((${#names[@]} == 0)); then
    for list in "$here"/*/packages; do names+=("$(basename "$(dirname "$list")")"); done
fi
for name in "${names[@]}"; do
    [[ "$name" != */* && -f "$here/$name/packages" ]] || die "there is no image called \"$name\" in $here"
done
trap end_child EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
logs="$(log_folder)"

has_debootstrap=false
# build_rootfs NAME: into $to/NAME.
build_rootfs() {
    local name="$1" packages
    if ! $has_debootstrap; then
        ((EUID == 0)) || die "only root can unpack a root file system: sudo images/build.sh ${names[*]}"
        ensure_packages debootstrap debian-archive-keyring
        mkdir -p "$to"
        to="$(cd "$to" && pwd)"
        has_debootstrap=true
    fi
    packages="$(package_list "$here/$name/packages")"
    step "Building $name" "$logs/image-$name.log" make_rootfs "$to/$name" "$packages" "$to/.cache"
    # The user that code runs as inside; the runtime keeps an image's own /etc.
    grep -q '^sandbox:' "$to/$name/etc/passwd" || {
        printf 'sandbox:x:1000:1000:sandbox:/workspace:/bin/sh\n' >>"$to/$name/etc/passwd"
        printf 'sandbox:x:1000:\n' >>"$to/$name/etc/group"
    }
    printf '%s\n' "$name" >"$to/$name/etc/sandbox-image"
    say "$name: $(du -sm "$to/$name" | cut -f1) MB in $to/$name"
}

if $for_docker; then
    engine GET /_ping >/dev/null || exit 1
    if $asks_registry && ! step "Pulling debian:bookworm-slim" "$logs/image-pull.log" engine_pull debian bookworm-slim 2>/dev/null; then
        say "No registry gives debian:bookworm-slim ($(tail -n 1 "$logs/image-pull.log")): building from Debian's packages."
        asks_registry=false
    fi
    for name in "${names[@]}"; do
        image="$(engine_name "$name")"
        if $asks_registry; then
            step "Building $image" "$logs/image-$name.log" engine_build "$here/$name" "$image"
        else
            build_rootfs "$name"
            step "Importing $image" "$logs/import-$name.log" engine_import "$to/$name" "$image"
        fi
        if $must_test; then engine_smoke "$here/$name" "$image"; fi
    done
    say "Templates name them: $(for name in "${names[@]}"; do engine_name "$name"; done | paste -sd' ' -)"
    exit 0
fi

settings=()
for name in "${names[@]}"; do
    build_rootfs "$name"
    if $must_test; then "$here/$name/smoke-test" "$to/$name"; fi
    settings+=("$name=$to/$name")
done
say ""
say "Offer them to a server:"
say "  SANDBOX_IMAGES=$(IFS=,; printf '%s' "${settings[*]}") sandbox serve"
