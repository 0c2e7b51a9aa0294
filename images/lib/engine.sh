# Sourced: images in a Docker daemon, over its socket: no docker command is needed.
# shellcheck shell=bash

# The names under which templates know the images.
engine_name() {
    case "$1" in
    executor-base) say "sandbox-executor-base:latest" ;;
    *) say "sandbox-template-$1:latest" ;;
    esac
}

engine_socket() {
    local host="${DOCKER_HOST:-unix:///var/run/docker.sock}"
    [[ "$host" == unix:///* ]] || die "DOCKER_HOST must be like unix:///path, got \"$host\""
    say "${host#unix://}"
}

# engine METHOD PATH [CURL-ARGUMENT…]: prints the answer; what the daemon complains about goes to standard error.
engine() {
    local method="$1" path="$2" answer status
    shift 2
    answer="$(mktemp)"
    status="$(curl -sS --unix-socket "$(engine_socket)" -X "$method" -o "$answer" -w '%{http_code}' "$@" "http://docker$path")" || {
        rm -f "$answer"
        complain "no Docker daemon answers at $(engine_socket)"
        return 1
    }
    if [[ "$status" != 2?? ]]; then
        complain "Docker: $(head -c 1000 "$answer")"
        rm -f "$answer"
        return 1
    fi
    cat "$answer"
    rm -f "$answer"
}

# What a stream of messages ends with: its error, if there is one, becomes ours.
engine_messages() {
    "$python" -c '
import json, sys
problem = ""
for line in sys.stdin:
    message = json.loads(line) if line.strip() else {}
    problem = message.get("error", problem)
    text = message.get("stream") or message.get("status") or ""
    if text.strip() and "progress" not in message: print(text.rstrip())
if problem: sys.exit("Docker: " + problem)'
}

engine_has() { engine GET "/images/$1/json" >/dev/null 2>&1; }

# engine_pull NAME TAG: a public image; fails soon where no registry answers.
engine_pull() {
    engine_has "$1:$2" || engine POST "/images/create?fromImage=$1&tag=$2" --max-time "${PULL_TIMEOUT:-120}" | engine_messages
}

# engine_build FOLDER NAME: by the folder's Dockerfile. DOCKER_BUILD_NETWORK names the network in which it runs.
engine_build() {
    tar -C "$1" -c Dockerfile packages |
        engine POST "/build?t=$2&forcerm=true&nocache=true&networkmode=${DOCKER_BUILD_NETWORK:-default}" \
            -H "Content-Type: application/x-tar" --data-binary @- | engine_messages
}

# engine_import DIRECTORY NAME: an unpacked root file system.
engine_import() {
    local repository="${2%%:*}" tag="${2##*:}"
    tar -C "$1" --numeric-owner --one-file-system -c . |
        engine POST "/images/create?fromSrc=-&repo=$repository&tag=$tag&changes=USER+1000:1000&changes=CMD+%5B%22%2Fbin%2Fsh%22%5D" \
            -H "Content-Type: application/x-tar" -T - | engine_messages
}

# engine_smoke FOLDER NAME: runs the folder's probe in a container that may do as little as a sandbox; it has to return the
# image's name.
engine_smoke() {
    local folder="$1" name="$2" probe program id status answer expected
    expected="$(basename "$folder")"
    if [[ -f "$folder/probe.py" ]]; then
        probe="$folder/probe.py"
        program='["/usr/bin/python3.11","-c","import os; exec(os.environ[\"PROBE\"]); print(handler({}))"]'
    else
        probe="$folder/probe.js"
        program='["/usr/bin/node","-e","const m={exports:{}}; new Function(\"exports\",\"require\",process.env.PROBE)(m.exports,require); m.exports.handler({}).then(console.log)"]'
    fi
    id="$("$python" -c '
import json, sys
print(json.dumps({
    "Image": sys.argv[1], "Entrypoint": json.loads(sys.argv[2]), "User": "1000:1000", "NetworkDisabled": True,
    "Env": ["PROBE=" + open(sys.argv[3]).read(), "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp"],
    "HostConfig": {"NetworkMode": "none", "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True, "PidsLimit": 64, "Memory": 268435456, "MemorySwap": 268435456,
        "Tmpfs": {"/tmp": "size=16m,mode=1777"}},
}))' "$name" "$program" "$probe" |
        engine POST /containers/create -H "Content-Type: application/json" --data-binary @- |
        "$python" -c 'import json, sys; print(json.load(sys.stdin)["Id"])')" || return 1
    status=1
    if engine POST "/containers/$id/start" >/dev/null; then
        engine POST "/containers/$id/wait" --max-time 60 >/dev/null || true
        answer="$(engine GET "/containers/$id/logs?stdout=true&stderr=true" | tail -c +9 | tr -d '\000' || true)"
        if [[ "$answer" == "$expected" ]]; then status=0; else complain "the program in $name returned: $answer"; fi
    fi
    engine DELETE "/containers/$id?force=true&v=true" >/dev/null || status=1
    if ((status == 0)); then say "$name: a program has run in it"; fi
    return "$status"
}
