#!/usr/bin/env bash
# Builds unpacked root file systems for sandboxes from Debian's packages; no image registry is asked. Needs root.
#   images/build.sh [--to DIR] [--no-test] [NAME…]
# NAME is a folder beside this script; all of them by default. Each goes into DIR/NAME (.images/NAME by default), is tried
# with its smoke-test unless --no-test, and the setting that offers it to a server is printed.
# DEBIAN_MIRROR replaces http://deb.debian.org/debian.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"
. "$here/lib/rootfs.sh"

to="$root/.images"
must_test=true
names=()
usage() {
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&"$1"
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
((EUID == 0)) || die "only root can unpack a root file system: sudo images/build.sh ${names[*]}"
trap end_child EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
ensure_packages debootstrap debian-archive-keyring

mkdir -p "$to"
to="$(cd "$to" && pwd)"
settings=()
for name in "${names[@]}"; do
    packages="$(package_list "$here/$name/packages")"
    step "Building $name" "$(log_folder)/image-$name.log" make_rootfs "$to/$name" "$packages" "$to/.cache"
    # The user that code runs as inside; the runtime keeps an image's own /etc.
    grep -q '^sandbox:' "$to/$name/etc/passwd" || {
        printf 'sandbox:x:1000:1000:sandbox:/workspace:/bin/sh\n' >>"$to/$name/etc/passwd"
        printf 'sandbox:x:1000:\n' >>"$to/$name/etc/group"
    }
    printf '%s\n' "$name" >"$to/$name/etc/sandbox-image"
    say "$name: $(du -sm "$to/$name" | cut -f1) MB in $to/$name"
    if $must_test; then "$here/$name/smoke-test" "$to/$name"; fi
    settings+=("$name=$to/$name")
done
say ""
say "Offer them to a server:"
say "  SANDBOX_IMAGES=$(IFS=,; printf '%s' "${settings[*]}") sandbox serve"
