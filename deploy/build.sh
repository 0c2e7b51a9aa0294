#!/usr/bin/env bash
# Builds the programs as they are installed: release, with Swift's libraries inside, so that a machine needs none.
#   deploy/build.sh
# They are put into .build-static/release; needs the Swift toolchain and the packages that scripts/quickstart installs.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../scripts/lib/common.sh"
. "$here/../scripts/lib/packages.sh"
if (($# > 0)); then
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    [[ "$1" == -h || "$1" == --help ]] && exit 0
    exit 64
fi
trap end_child EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
command -v swift >/dev/null || die "there is no swift on PATH: install Swift 6.3 from https://swift.org/install"
ensure_packages "${build_packages[@]}"
for product in sandbox sandbox-agent APIGateway Dispatcher WorkerNode; do
    step "Building $product (release, static Swift)" "$(log_folder)/static-$product.log" \
        swift build --package-path "$root" -c release --static-swift-stdlib --scratch-path "$root/.build-static" \
        --product "$product"
done
say "Built sandbox, sandbox-agent, APIGateway, Dispatcher and WorkerNode in $root/.build-static/release"
