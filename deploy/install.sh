#!/usr/bin/env bash
# Installs the programs of deploy/build.sh and a systemd service; safe to repeat, which is also how to upgrade.
#   deploy/install.sh [--role all-in-one|gateway|dispatcher|worker] [--from DIR] [--no-unit] [--enable]
#   --role ROLE  what this host is: one machine alone (the default), or a part of a cluster
#   --from DIR   where the programs are (default: .build-static/release)
#   --no-unit    only the programs
#   --enable     start the service now and at boot, and restart it if it runs
# Environment: PREFIX (/usr/local) for the programs in PREFIX/bin, DESTDIR ("") before every path, for packaging and tests.
# Data (/var/lib/sandbox, /var/lib/sandbox-ROLE) and settings (/etc/sandbox/sandbox.env, ROLE.env) that are there are kept.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"

from="$root/.build-static/release"
has_unit=true
must_enable=false
role=all-in-one
prefix="${PREFIX:-/usr/local}"
destination="${DESTDIR:-}"
usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&"$1"
    exit "$2"
}
while (($# > 0)); do
    case "$1" in
    --from)
        (($# > 1)) || usage 2 64
        from="$2"
        shift
        ;;
    --role)
        (($# > 1)) || usage 2 64
        role="$2"
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
# What each role is: its programs, its unit, and Debian's packages. The client comes with each.
cluster_libraries=(libsqlite3-0 libmicrohttpd12 libcurl4 libssl3 librdkafka1 libhiredis0.14)
case "$role" in
all-in-one)
    unit_name=sandbox settings_name=sandbox programs=(sandbox-agent sandbox)
    needed=(libsqlite3-0 libmicrohttpd12 libcurl4 libssl3 bubblewrap python3.11)
    ;;
gateway) unit_name=sandbox-gateway settings_name=gateway programs=(sandbox APIGateway) needed=("${cluster_libraries[@]}") ;;
dispatcher) unit_name=sandbox-dispatcher settings_name=dispatcher programs=(sandbox Dispatcher) needed=("${cluster_libraries[@]}") ;;
worker)
    unit_name=sandbox-worker settings_name=worker programs=(sandbox sandbox-agent WorkerNode)
    needed=("${cluster_libraries[@]}" bubblewrap python3.11)
    ;;
*) usage 2 64 ;;
esac
for program in "${programs[@]}"; do
    [[ -x "$from/$program" ]] || die "there is no $from/$program: run deploy/build.sh, or name a folder with --from"
done
# Such a build runs only where the toolchain is, at the same place.
for program in "${programs[@]}"; do
    libraries="$(ldd "$from/$program" 2>/dev/null || true)"
    if [[ "$libraries" == *libswift* ]]; then
        die "$from/$program needs Swift's libraries: install what deploy/build.sh makes"
    fi
done
if $must_enable && [[ -n "$destination" ]]; then die "--enable and DESTDIR exclude one another"; fi
if [[ -z "$destination" ]]; then
    ((EUID == 0)) || die "only root can install into $prefix: sudo deploy/install.sh"
    ensure_packages "${needed[@]}"
fi

# The new file takes the place of the old one at once: a running server keeps the one it has.
place() {
    install -D -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
    say "installed $3"
}
for program in "${programs[@]}"; do place 0755 "$from/$program" "$destination$prefix/bin/$program"; done
default_settings() {
    if [[ "$role" == all-in-one ]]; then
        printf '# Settings of sandbox serve, a NAME=value a line; sandbox serve --settings lists them.\n'
        return
    fi
    printf '# A NAME=value a line; %s --settings lists them.\n' "${programs[-1]}"
    printf '#KAFKA_BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092,kafka-3:9092\n#KAFKA_REPLICATION_FACTOR=3\n'
    printf '#REDIS_URL=redis://:password@redis:6379\n'
    [[ "$role" == dispatcher ]] || printf '# The same secret of 16 bytes or more on every gateway and worker.\n#INTERNAL_TOKEN=\n'
    [[ "$role" != worker ]] ||
        printf '# Gateways reach the files of this host there.\n#HOST=0.0.0.0\n#ADVERTISED_URL=http://this-host:8100\n#RUNTIME=docker\n'
}
if $has_unit; then
    unit="$(mktemp)"
    trap 'rm -f "$unit"' EXIT
    sed "s|/usr/local/bin/|$prefix/bin/|" "$here/$unit_name.service" >"$unit"
    place 0644 "$unit" "$destination/etc/systemd/system/$unit_name.service"
    if [[ "$role" == all-in-one ]]; then install -d -m 0700 "$destination/var/lib/sandbox"; fi
    install -d -m 0755 "$destination/etc/sandbox"
    if [[ ! -e "$destination/etc/sandbox/$settings_name.env" ]]; then
        default_settings | install -m 0600 /dev/stdin "$destination/etc/sandbox/$settings_name.env"
    fi
    if [[ -z "$destination" && -d /run/systemd/system ]]; then
        systemctl daemon-reload
        if $must_enable; then
            systemctl enable "$unit_name.service"
            systemctl restart "$unit_name.service"
        fi
    elif $must_enable; then
        die "systemd does not run here: start the program by hand, as $unit_name.service says"
    fi
fi
if [[ "$role" == all-in-one ]]; then
    say "Next: systemctl start sandbox, then sandbox status"
else
    say "Next: fill in /etc/sandbox/$settings_name.env, systemctl enable --now $unit_name"
fi
