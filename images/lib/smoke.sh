# Sourced by the smoke tests: a server of its own on a free port, with its own data folder, that offers one image.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

server=""
scratch=""

find_program() {
    local candidate
    for candidate in "${SMOKE_PROGRAM:-}" "$root/.build-static/release/sandbox" "$release_folder/release/sandbox"; do
        if [[ -x "$candidate" ]]; then
            say "$candidate"
            return 0
        fi
    done
    die "there is no release build: run deploy/build.sh, or set SMOKE_PROGRAM to a program sandbox"
}

# Ends the server by its number; one that does not stop within 30 s is killed, and that is a failure.
stop_server() {
    local pid="$server" deadline=$((SECONDS + 30)) status=0
    [[ -n "$pid" ]] || return 0
    server=""
    kill -TERM "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        if ((SECONDS >= deadline)); then kill -KILL "$pid" 2>/dev/null || true; fi
        sleep 0.1
    done
    wait "$pid" || status=$?
    return "$status"
}

clean_up() {
    stop_server || true
    if [[ -n "$scratch" ]]; then rm -rf "$scratch"; fi
}

server_failed() {
    complain "$1. The server's last lines:"
    tail -n 20 "$scratch/log" >&2
    exit 1
}

# Starts a server that offers image $1 = folder $2, and waits until it listens; sets url.
start_server() {
    local deadline=$((SECONDS + 30)) port=""
    scratch="$(mktemp -d)"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    SANDBOX_IMAGES="$1=$2" WARM_POOL_SIZE=0 "$program" serve --port 0 --data "$scratch/data" \
        >"$scratch/log" 2>&1 </dev/null &
    server=$!
    until [[ -n "$port" ]]; do
        kill -0 "$server" 2>/dev/null || server_failed "the server ended before it was ready"
        ((SECONDS < deadline)) || server_failed "the server is not ready after 30 s"
        sleep 0.1
        port="$(grep -m 1 -oE 'Listening http.port=[0-9]+' "$scratch/log" | grep -oE '[0-9]+$' || true)"
    done
    url="http://127.0.0.1:$port"
}

# smoke FOLDER RUNTIME PROGRAM: runs PROGRAM in a session whose template names the image; it has to return the name of
# the image, which only a program that sees this image knows.
smoke() {
    local folder="$1" runtime="$2" source="$3" name answer
    [[ -s "$folder/etc/sandbox-image" ]] || die "usage: smoke-test FOLDER, one that images/build.sh made"
    folder="$(cd "$folder" && pwd)"
    name="$(<"$folder/etc/sandbox-image")"
    program="$(find_program)"
    # A name of its own, so that no image of the same name that the server knows can take its place.
    start_server "smoke-$name" "$folder"
    export SANDBOX_URL="$url"
    "$program" template create smoke --image "smoke-$name" --runtime "$runtime" >"$scratch/template" ||
        server_failed "cannot make a template"
    answer="$(timeout 60 "$program" run --template smoke "$source")" || server_failed "the program failed in $name"
    [[ "$answer" == "\"$name\"" ]] || server_failed "the program in $name returned $answer"
    stop_server || server_failed "the server did not stop cleanly (status $?)"
    say "$name: a program has run in it"
}
