# Sourced: unpacked root file systems from Debian's packages, without any image registry. Needs root.
# shellcheck shell=bash

debian_release=bookworm
debian_mirror="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"

# package_list FILE: its packages, a line each, with commas between; what follows # is a remark.
package_list() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1" | paste -sd, -; }

# make_rootfs DIRECTORY PACKAGES CACHE: what DIRECTORY holds is replaced once the new one is whole. Signatures are checked
# against the keys of the package debian-archive-keyring; downloads are kept in CACHE.
make_rootfs() {
    local directory="$1" packages="$2" cache="$3" partial="$1.partial"
    rm -rf "$partial"
    mkdir -p "$partial" "$cache"
    debootstrap --variant=minbase --include="$packages" --cache-dir="$cache" \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        "$debian_release" "$partial" "$debian_mirror" || return 1
    strip_rootfs "$partial" || return 1
    rm -rf "$directory"
    mv "$partial" "$directory"
}

# What no program needs, and what debootstrap copied from this host. What Python has compiled stays: in a root that is
# read-only it would compile it again in each sandbox, for 40 ms of a start that takes 20.
strip_rootfs() {
    local target="$1"
    rm -rf "$target"/usr/share/{doc,man,info,locale,lintian,linda,groff,bash-completion,bug,pixmaps,common-licenses}/* \
        "$target"/var/cache/apt/* "$target"/var/lib/apt/lists/* "$target"/var/log/* "$target"/tmp/* "$target"/dev/*
    # No way up for anybody, whatever the runtime allows.
    find "$target" -xdev -type f -perm /6000 -exec chmod a-s {} +
    : >"$target/etc/resolv.conf"
    : >"$target/etc/machine-id"
    printf 'sandbox\n' >"$target/etc/hostname"
    printf '127.0.0.1 localhost sandbox\n::1 localhost\n' >"$target/etc/hosts"
}
