# Sourced: the release build that quickstart, the process tests and the benchmarks run.
# shellcheck shell=bash

# A folder of its own: a debug build beside it is not made anew.
build_release() {
    local product
    for product in sandbox sandbox-agent; do
        step "Building $product (release)" "$(log_folder)/build-$product.log" \
            swift build --package-path "$root" -c release --scratch-path "$release_folder" --product "$product" ||
            return $?
    done
}

release_bin() { say "$release_folder/release"; }
