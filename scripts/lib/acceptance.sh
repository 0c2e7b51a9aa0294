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

# The port that the server says it listens on; nothing if it ends before, or does not come up in three minutes.
await_acceptance_port() {
    local log="$1" deadline=$((SECONDS + 180)) port=""
    while [[ -z "$port" ]] && kill -0 "$acceptance_server" 2>/dev/null && ((SECONDS < deadline)); do
        sleep 0.1
        port="$(grep -oE 'Listening http\.port=[0-9]+' "$log" | grep -oE '[0-9]+$' || true)"
    done
    say "$port"
}

# A bound that the tests can reach.
queue_bound=300

# run_pytest TITLE URL TOKEN REPORT EXPRESSION [GATEWAYS]: EXPRESSION as pytest -k has it. Returns the status of the run.
run_pytest() {
    local title="$1" url="$2" token="$3" report="$4" expression="$5" gateways="${6:-}"
    step "$title" "$logs/acceptance.log" env \
        ACCEPTANCE_URL="$url" ACCEPTANCE_INTERNAL_TOKEN="$token" ${gateways:+ACCEPTANCE_GATEWAYS="$gateways"} \
        PYTHONDONTWRITEBYTECODE=1 \
        "$acceptance_venv/bin/pytest" -c "$acceptance_folder/pytest.ini" --junitxml "$report" -q \
        ${expression:+-k "$expression"} 2>"$logs/acceptance.error"
}

# run_acceptance REPORT [EXPRESSION]: against sandbox serve. Returns the status of the run.
run_acceptance() {
    local report="$1" expression="${2:-}" log="$logs/acceptance-serve.log" port status=0
    rm -f "$report"
    acceptance_data="$(mktemp -d)"
    INTERNAL_TOKEN=acceptance MAX_QUEUED_EXECUTIONS_PER_SESSION="$queue_bound" "$(release_bin)/sandbox" serve --port 0 --data "$acceptance_data" >"$log" 2>&1 </dev/null &
    acceptance_server=$!
    port="$(await_acceptance_port "$log")"
    if [[ -z "$port" ]]; then
        complain "the server for the acceptance tests did not start:"
        tail -n 20 "$log" >&2
        stop_acceptance_server || true
        return 1
    fi
    run_pytest "Running the acceptance tests" "http://127.0.0.1:$port" acceptance "$report" "$expression" || status=$?
    if ! stop_acceptance_server; then
        complain "the server of the acceptance tests did not stop well. Its last lines ($log):"
        tail -n 20 "$log" >&2
        if ((status == 0)); then status=1; fi
    fi
    return "$status"
}

# run_cluster_acceptance REPORT [EXPRESSION]: the same tests, unchanged, against two gateways, two dispatchers and three
# nodes over a broker and Redis. Returns the status of the run.
run_cluster_acceptance() {
    local report="$1" expression="${2:-}" status=0 port number
    rm -f "$report"
    cluster_data="$(mktemp -d)"
    export INTERNAL_TOKEN=acceptance-of-a-cluster MAX_QUEUED_EXECUTIONS_PER_SESSION="$queue_bound"
    start_servers
    for number in 1 2; do start_dispatcher "$number" "$(free_port)"; done
    for number in 1 2 3; do start_node "$number" "$(free_port)" bubblewrap; done
    for number in 1 2; do start_gateway "$number" "$(free_port)"; done
    await_cluster 3
    run_pytest "Running the acceptance tests against a cluster" "${cluster_urls[0]}" "$INTERNAL_TOKEN" "$report" \
        "$expression" "${cluster_urls[1]}" || status=$?
    if ! stop_cluster; then
        complain "a part of the cluster did not stop well: see $cluster_data/*.log"
        if ((status == 0)); then status=1; fi
    else
        rm -rf "$cluster_data"
    fi
    unset INTERNAL_TOKEN MAX_QUEUED_EXECUTIONS_PER_SESSION KAFKA_BOOTSTRAP_SERVERS REDIS_URL
    return "$status"
}

# What a cluster needs and this machine lacks; nothing if it has all.
cluster_lacks() {
    [[ -n "$(kafka_script)" ]] || say "Kafka (KAFKA_HOME)"
    command -v java >/dev/null || say "Java (default-jre-headless)"
    command -v redis-server >/dev/null || say "redis-server"
}
