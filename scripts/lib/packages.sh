# Sourced: installs what is missing of Debian's packages, and touches nothing that is there.
# shellcheck shell=bash

build_packages=(
    libsqlite3-dev libmicrohttpd-dev libcurl4-openssl-dev libssl-dev librdkafka-dev libhiredis-dev
)
run_packages=(bubblewrap python3.11 curl)

is_installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

# Another program may be installing, and a mirror may stumble.
apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "$@"
}

# A fresh machine has no package lists, an old one outdated ones: fetched only when an installation failed without.
install_packages() { apt install "$@" || { apt update && apt install "$@"; }; }

# ensure_packages PACKAGE…: returns when all are there; else says what to do, and ends the script.
ensure_packages() {
    local missing=() package
    command -v apt-get >/dev/null || die "needs Debian's packages $*, and finds no apt-get here: install them by hand"
    for package in "$@"; do
        if ! is_installed "$package"; then missing+=("$package"); fi
    done
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        complain "these packages are missing, and only root can install them:"
        die "  sudo apt-get install ${missing[*]}"
    fi
    step "Installing ${missing[*]}" "$(log_folder)/packages.log" install_packages "${missing[@]}" ||
        die "cannot install ${missing[*]}; is the network there?"
}

# Good to have, and no reason to stop: what needs it says so when it is used.
offer_package() {
    local command="$1" package="$2" purpose="$3"
    if command -v "$command" >/dev/null; then return 0; fi
    if ((EUID == 0)) && command -v apt-get >/dev/null &&
        step "Installing $package" "$(log_folder)/$package.log" install_packages "$package" 2>/dev/null; then
        return 0
    fi
    say "Note: $package is not installed, so $purpose."
}

ensure_everything() {
    command -v swift >/dev/null || die "there is no swift on PATH: install Swift 6.3 from https://swift.org/install"
    ensure_packages "${build_packages[@]}" "${run_packages[@]}"
    offer_package node nodejs "JavaScript executions are refused"
}
