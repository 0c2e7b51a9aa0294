# Sourced: the processes of a cluster on this machine, for scripts/cluster, the tests and the benchmarks.
# shellcheck shell=bash

cluster_data=""
cluster_token=""
cluster_packages=(redis-server default-jre-headless)
declare -A cluster_pids=()

ensure_cluster_packages() {
    local wanted=()
    [[ -n "${REDIS_URL:-}" ]] || wanted+=(redis-server)
    [[ -n "${KAFKA_BOOTSTRAP_SERVERS:-}" ]] || wanted+=(default-jre-headless)
    if ((${#wanted[@]} > 0)); then ensure_packages "${wanted[@]}"; fi
}

# The script that runs a broker; nothing if there is none.
kafka_script() {
    local candidate
    for candidate in "${KAFKA_HOME:+$KAFKA_HOME/kafka}" "$root/../shared/kafka/kafka"; do
        if [[ -n "$candidate" && -x "$candidate" ]]; then
            say "$candidate"
            return 0
        fi
    done
}

build_cluster() {
    local product
    for product in APIGateway Dispatcher WorkerNode; do
        step "Building $product (release)" "$(log_folder)/build-$product.log" \
            swift build --package-path "$root" -c release --scratch-path "$release_folder" --product "$product" ||
            return $?
    done
}

# A port of loopback that nobody has, even, with the next one free as well; below those that the kernel gives to clients.
free_port() {
    "$python" - <<'PY'
import random, socket
while True:
    port = random.randrange(20000, 32000, 2)
    try:
        for number in (port, port + 1):
            with socket.socket() as candidate:
                candidate.bind(("127.0.0.1", number))
    except OSError:
        continue
    print(port)
    break
PY
}

# start_part NAME COMMAND…: in a session of its own, with its output in NAME.log.
start_part() {
    local name="$1"
    shift
    # A part that is started again goes on in its log.
    setsid "$@" >>"$cluster_data/$name.log" 2>&1 </dev/null &
    cluster_pids[$name]=$!
    say "$!" >"$cluster_data/$name.pid"
}

# await_line NAME TEXT: until NAME.log has TEXT; ends the script if the part ends before, or it takes a minute.
await_line() {
    local name="$1" text="$2" deadline=$((SECONDS + 180))
    until grep -q "$text" "$cluster_data/$name.log" 2>/dev/null; do
        if ! kill -0 "${cluster_pids[$name]}" 2>/dev/null || ((SECONDS > deadline)); then
            complain "$name did not start. The end of what it said ($cluster_data/$name.log):"
            tail -n 10 "$cluster_data/$name.log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

start_kafka() { KAFKA_OPTS="${KAFKA_OPTS:--Xmx256m}" start_part kafka "$(kafka_script)" serve --data "$cluster_data/kafka" --port "$kafka_port"; }
start_redis() { start_part redis redis-server --bind 127.0.0.1 --port "$redis_port" --save "" --dir "$cluster_data"; }

# A broker and Redis of our own, unless others are named.
start_servers() {
    cluster_token="${INTERNAL_TOKEN:-$("$python" -c 'import secrets; print(secrets.token_hex(16))')}"
    if [[ -z "${KAFKA_BOOTSTRAP_SERVERS:-}" ]]; then
        [[ -n "$(kafka_script)" ]] || die "no Kafka here: set KAFKA_BOOTSTRAP_SERVERS, or KAFKA_HOME to a folder with the script kafka"
        kafka_port="$(free_port)"
        start_kafka
        export KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:$kafka_port"
        await_line kafka "Kafka Server started"
    fi
    if [[ -z "${REDIS_URL:-}" ]]; then
        redis_port="$(free_port)"
        start_redis
        export REDIS_URL="redis://127.0.0.1:$redis_port"
        await_line redis "Ready to accept connections"
    fi
}

start_dispatcher() {
    start_part "dispatcher-$1" env DATA_DIR="$cluster_data/dispatcher-$1" DISPATCHER_ID="dispatcher-$1" PORT="$2" \
        "$(release_bin)/Dispatcher"
}

start_node() {
    start_part "node-$1" env DATA_DIR="$cluster_data/node-$1" NODE_ID="node-$1" PORT="$2" RUNTIME="$3" \
        INTERNAL_TOKEN="$cluster_token" "$(release_bin)/WorkerNode"
}

start_gateway() {
    start_part "gateway-$1" env DATA_DIR="$cluster_data/gateway-$1" PORT="$2" INTERNAL_TOKEN="$cluster_token" \
        "$(release_bin)/APIGateway"
    cluster_urls+=("http://127.0.0.1:$2")
}
cluster_urls=()

# await_cluster NODES: until every gateway answers and knows so many nodes that are ready.
await_cluster() {
    local url name deadline=$((SECONDS + 180)) ready
    for url in "${cluster_urls[@]}"; do
        while true; do
            ready="$(curl --silent --noproxy '*' --max-time 5 "$url/api/v1/nodes" | grep -o '"status":"ready"' | wc -l || true)"
            if ((ready >= $1)); then break; fi
            for name in "${!cluster_pids[@]}"; do
                kill -0 "${cluster_pids[$name]}" 2>/dev/null || die "$name has ended: see $cluster_data/$name.log"
            done
            ((SECONDS < deadline)) || die "the cluster did not come up in three minutes: see $cluster_data/*.log"
            sleep 0.2
        done
    done
    printf '%s\n' "${cluster_urls[@]}" >"$cluster_data/gateways.new"
    mv "$cluster_data/gateways.new" "$cluster_data/gateways"
}

# Until a part ends that nobody has stopped.
wait_for_cluster() {
    local name ended=""
    wait -n -p ended "${cluster_pids[@]}" || true
    for name in "${!cluster_pids[@]}"; do
        [[ "${cluster_pids[$name]}" == "$ended" ]] || continue
        complain "$name has ended. The end of what it said ($cluster_data/$name.log):"
        tail -n 10 "$cluster_data/$name.log" >&2
    done
    return 1
}

# Clients first, servers last; each is given time to end well.
stop_cluster() {
    local name pattern status=0
    for pattern in 'gateway-*' 'node-*' 'dispatcher-*' redis kafka; do
        for name in "${!cluster_pids[@]}"; do
            # shellcheck disable=SC2053
            if [[ "$name" == $pattern ]]; then kill -TERM "${cluster_pids[$name]}" 2>/dev/null || true; fi
        done
        for name in "${!cluster_pids[@]}"; do
            # shellcheck disable=SC2053
            [[ "$name" == $pattern ]] || continue
            wait "${cluster_pids[$name]}" 2>/dev/null || { [[ "$name" == kafka ]] || status=$?; }
            unset "cluster_pids[$name]"
        done
    done
    return "$status"
}
