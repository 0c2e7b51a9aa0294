#!/usr/bin/env bash
# Installs the programs of deploy/build.sh and a systemd service; safe to repeat, which is also how to upgrade.
#   deploy/install.sh [--from DIR] [--no-unit] [--enable]
#   --from DIR   where sandbox and sandbox-agent are (default: .build-static/release)
#   --no-unit    only the programs
#   --enable     start the service now and at boot, and restart it if it runs
# Environment: PREFIX (/usr/local) for the programs in PREFIX/bin, DESTDIR ("") before every path, for packaging and tests.
# Data (/var/lib/sandbox) and settings (/etc/sandbox/sandbox.env) that are there are kept.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"

from="$root/.build-static/release"
has_unit=true
must_enable=false
prefix="${PREFIX:-/usr/local}"
destination="${DESTDIR:-}"
usage() {
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&"$1"
    exit "$2"
}
while (($# > 0)); do
    case "$1" in
    --from)
        (($# > 1)) || usage 2 64
        from="$2"
        shift
        ;;
    --no-unit) has_unit=false ;;
    --enable) must_enable=true ;;
    -h | --help) usage 1 0 ;;
    *) usage 2 64 ;;
    esac
    shift
done
[[ "$prefix" == /* ]] || die "PREFIX must be an absolute path, got \"$prefix\""
for program in sandbox sandbox-agent; do
    [[ -x "$from/$program" ]] || die "there is no $from/$program: run deploy/build.sh, or name a folder with --from"
done
# Such a build runs only where the toolchain is, at the same place.
libraries="$(ldd "$from/sandbox")"
if [[ "$libraries" == *libswift* ]]; then
    die "$from/sandbox needs Swift's libraries: install what deploy/build.sh makes"
fi
if $must_enable && [[ -n "$destination" ]]; then die "--enable and DESTDIR exclude one another"; fi
if [[ -z "$destination" ]]; then
    ((EUID == 0)) || die "only root can install into $prefix: sudo deploy/install.sh"
    ensure_packages libsqlite3-0 libmicrohttpd12 libcurl4 libssl3 bubblewrap python3.11
fi

# The new file takes the place of the old one at once: a running server keeps the one it has.
place() {
    install -D -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
    say "installed $3"
}
place 0755 "$from/sandbox-agent" "$destination$prefix/bin/sandbox-agent"
place 0755 "$from/sandbox" "$destination$prefix/bin/sandbox"
if $has_unit; then
    unit="$(mktemp)"
    trap 'rm -f "$unit"' EXIT
    sed "s|/usr/local/bin/|$prefix/bin/|" "$here/sandbox.service" >"$unit"
    place 0644 "$unit" "$destination/etc/systemd/system/sandbox.service"
    install -d -m 0700 "$destination/var/lib/sandbox"
    install -d -m 0755 "$destination/etc/sandbox"
    if [[ ! -e "$destination/etc/sandbox/sandbox.env" ]]; then
        printf '# Settings of sandbox serve, a NAME=value a line; sandbox serve --settings lists them.\n' |
            install -m 0600 /dev/stdin "$destination/etc/sandbox/sandbox.env"
    fi
    if [[ -z "$destination" && -d /run/systemd/system ]]; then
        systemctl daemon-reload
        if $must_enable; then
            systemctl enable sandbox.service
            systemctl restart sandbox.service
        fi
    elif $must_enable; then
        die "systemd does not run here: start $prefix/bin/sandbox serve --data /var/lib/sandbox by hand"
    fi
fi
say "Next: systemctl start sandbox, then sandbox status"
