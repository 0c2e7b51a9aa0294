# Sourced by the scripts beside this folder: where things are, and how a long step is shown.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
me="$(basename "$0")"
release_folder="$root/.build-release"
python=/usr/bin/python3.11

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "$me" "$*" >&2; }
die() {
    complain "$*"
    exit 1
}

# What was started here, to be ended by number when this script ends.
child=""
end_child() {
    if [[ -n "$child" ]] && kill -0 "$child" 2>/dev/null; then
        # A group of its own: a build has children that would go on without it.
        kill -TERM -- "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    child=""
}

# step TITLE LOG COMMAND…: runs the command with its output in LOG. Says nothing for a second, then the title and every
# ten (later thirty) seconds how far it is. When the command fails, shows the end of what it said and returns its status.
step() {
    local title="$1" log="$2" start=$SECONDS shown=-1 status=0 position
    shift 2
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    child=$!
    set +m
    for _ in 1 2 3 4 5; do
        kill -0 "$child" 2>/dev/null || break
        sleep 0.2
    done
    while kill -0 "$child" 2>/dev/null; do
        # Often at first, then seldom: a long build is not a longer log.
        if ((shown < 0 || SECONDS - shown >= (SECONDS - start < 60 ? 10 : 30))); then
            position="$(grep -oE '^\[[0-9]+/[0-9]+\]' "$log" 2>/dev/null | tail -n 1 || true)"
            if ((shown < 0)); then say "$title …"; else say "$title … $((SECONDS - start)) s $position"; fi
            shown=$SECONDS
        fi
        sleep 0.2
    done
    wait "$child" || status=$?
    child=""
    if ((status != 0)); then
        complain "failed: $title. The end of what it said ($log):"
        # A compiler's errors come before its last lines, and matter more.
        grep -E '(^|: )(error|fatal error):' "$log" | sort -u | head -n 20 >&2 || true
        tail -n 30 "$log" >&2
    fi
    return "$status"
}

# Logs of a step, kept for reading after a failure.
log_folder() {
    mkdir -p "$root/.build/logs"
    say "$root/.build/logs"
}
