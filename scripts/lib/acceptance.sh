# Sourced: the acceptance tests, clients in Python of a release server that is started for them.
# shellcheck shell=bash

acceptance_folder="$root/Tests/AcceptanceTests"
acceptance_venv="$root/.build-acceptance"
acceptance_server=""
acceptance_data=""

make_acceptance_venv() {
    "$python" -m venv --clear "$acceptance_venv" &&
        "$acceptance_venv/bin/pip" install --quiet --disable-pip-version-check --timeout 15 --retries 2 \
            --requirement "$acceptance_folder/requirements.txt" &&
        cp "$acceptance_folder/requirements.txt" "$acceptance_venv/installed.txt"
}

# Returns 1, having said what is missing, where the tests cannot run: no reason for the others not to count.
ensure_acceptance_venv() {
    if cmp -s "$acceptance_folder/requirements.txt" "$acceptance_venv/installed.txt"; then return 0; fi
    if ! (ensure_packages python3.11-venv); then
        say "Note: the acceptance tests are not run: they need Debian's package python3.11-venv."
        return 1
    fi
    if ! step "Installing what the acceptance tests need" "$logs/acceptance-venv.log" make_acceptance_venv; then
        say "Note: the acceptance tests are not run: PyPI gave no $(paste -sd' ' "$acceptance_folder/requirements.txt")."
        return 1
    fi
}

stop_acceptance_server() {
    local status=0
    if [[ -n "$acceptance_server" ]]; then
        kill -TERM "$acceptance_server" 2>/dev/null || true
        wait "$acceptance_server" || status=$?
        acceptance_server=""
    fi
    if [[ -n "$acceptance_data" ]]; then rm -rf "$acceptance_data"; fi
    acceptance_data=""
    return "$status"
}

# The port that the server says it listens on; nothing if it ends before, or does not come up in a minute.
await_acceptance_port() {
    local log="$1" deadline=$((SECONDS + 60)) port=""
    while [[ -z "$port" ]] && kill -0 "$acceptance_server" 2>/dev/null && ((SECONDS < deadline)); do
        sleep 0.1
        port="$(grep -oE 'Listening http\.port=[0-9]+' "$log" | grep -oE '[0-9]+$' || true)"
    done
    say "$port"
}

# run_acceptance REPORT [EXPRESSION]: EXPRESSION as pytest -k has it. Returns the status of the run.
run_acceptance() {
    local report="$1" expression="${2:-}" log="$logs/acceptance-serve.log" port status=0
    rm -f "$report"
    acceptance_data="$(mktemp -d)"
    INTERNAL_TOKEN=acceptance "$(release_bin)/sandbox" serve --port 0 --data "$acceptance_data" >"$log" 2>&1 </dev/null &
    acceptance_server=$!
    port="$(await_acceptance_port "$log")"
    if [[ -z "$port" ]]; then
        complain "the server for the acceptance tests did not start:"
        tail -n 20 "$log" >&2
        stop_acceptance_server || true
        return 1
    fi
    step "Running the acceptance tests" "$logs/acceptance.log" env \
        ACCEPTANCE_URL="http://127.0.0.1:$port" ACCEPTANCE_INTERNAL_TOKEN=acceptance PYTHONDONTWRITEBYTECODE=1 \
        "$acceptance_venv/bin/pytest" -c "$acceptance_folder/pytest.ini" --junitxml "$report" -q \
        ${expression:+-k "$expression"} 2>"$logs/acceptance.error" || status=$?
    if ! stop_acceptance_server; then
        complain "the server of the acceptance tests did not stop well. Its last lines ($log):"
        tail -n 20 "$log" >&2
        if ((status == 0)); then status=1; fi
    fi
    return "$status"
}
