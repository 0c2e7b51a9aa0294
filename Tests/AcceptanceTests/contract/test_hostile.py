"""Never a 500 for any input. A few hundred fuzzed bodies, queries, headers and paths, the same ones in every run (ACCEPTANCE_SEED changes them)."""
import json
import os
import random

import pytest

from acceptance import API, ok, raw_request, run, template_body, wait_execution

SEED = int(os.environ.get("ACCEPTANCE_SEED", "4"))
NASTY = [None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**64), 10**400, 1.5, -0.0, 1e308, 5e-324, "", " ", "x", "\x00", "a" * 70000, "é", "𝔸", "\ud800", "\udfff", "\ufeff", "'; DROP TABLE sessions; --",
         "{{7*7}}", "${jndi:ldap://x}", "../../etc/passwd", "%s%n%x", "<script>", "\r\nX: y", [], {}, [[]], [None], {"": None}, [{}] * 100, {"a": {"b": {"c": [1]}}}, "1e999", "NaN", "0x10", "１", {"__proto__": 1}, {str(n): n for n in range(300)}]
FIELDS = {
    "/templates": ["id", "name", "image_url", "runtime_type", "default_cpu_cores", "default_memory_mb", "default_disk_mb", "default_timeout", "default_timeout_sec", "default_env_vars", "is_active"],
    "/sessions": ["id", "template_id", "timeout", "cpu", "memory", "disk", "env_vars", "event", "dependencies", "install_timeout", "fail_on_dependency_error", "allow_version_conflicts", "python_package_index_url"],
    "execute": ["code", "language", "timeout", "event", "env_vars"],
}
RAW = [b"", b"{", b"}", b"[", b"\x00", b"\xff", b"null", b"nul", b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":' + b"9" * 10000 + b"}", b'{"a":1,}', b'{"a":1,"a":2}', b"[" * 100000, b'{"a":' * 50000, b"[" * 500 + b"]" * 500,
       b'{"a":"\\u0000"}', b'{"a":"\\ud800"}', b'{"a":"\\ud83d\\ude00"}', b'{"a":"\\x"}', b'{"a":"\n"}', b"\xef\xbb\xbf{}", b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b"{'a':1}", b'{"a"}', b'{1:2}', b'"' + b"a" * 100000, b" " * 100000, b"{}{}", b"// c\n{}",
       '{"a":1}'.encode("utf-16"), b"a=1&b=2", b"<xml/>"]


def send(api, path, content, kind="application/json"):
    return api.post(path, content=content, headers={"Content-Type": kind})


def judge(failures, response, what):
    """Never a 5xx (a full host's 503 with Retry-After is an honest answer); errors have a code; every answer a request id."""
    fine = response.status_code < 500 or (response.status_code == 503 and "retry-after" in response.headers)
    if fine and response.status_code >= 400:
        try:
            fine = bool(response.json()["code"])
        except (ValueError, KeyError, TypeError):
            fine = False
    if not fine or "x-request-id" not in response.headers:
        failures.append((response.status_code, response.text[:200], what))


def clean(api, path, response):
    if response.status_code == 201 and path in ("/templates", "/sessions"):
        from urllib.parse import quote
        api.delete(f"{path}/{quote(response.json()['id'], safe='')}")


def valid(path, template):
    # Dependencies that a fuzzed body asks for go nowhere: no real index is asked for made-up names.
    return {"/templates": template_body, "/sessions": lambda: {"template_id": template["id"], "python_package_index_url": "http://127.0.0.1:9/simple/"}, "execute": lambda: {"code": "pass", "language": "python"}}[path]()


def target(path, sid):
    return f"/executions/sessions/{sid}/execute" if path == "execute" else path


@pytest.mark.parametrize("path,field", [(path, field) for path, fields in FIELDS.items() for field in fields])
def test_nasty_values(api, template, fresh, path, field):
    failures = []
    for value in NASTY:
        content = json.dumps({**valid(path, template), field: value}).encode()
        response = send(api, target(path, fresh), content)
        judge(failures, response, (field, repr(value)[:80]))
        clean(api, path, response)
    assert not failures, failures[:10]


@pytest.mark.parametrize("path", list(FIELDS))
def test_random_bodies(api, template, fresh, path):
    dice, failures = random.Random(SEED), []
    for _ in range(100):
        made = valid(path, template)
        for field in dice.sample(FIELDS[path], dice.randint(1, len(FIELDS[path]))):
            made[field] = dice.choice(NASTY)
        if dice.random() < 0.3:
            made.pop(dice.choice(list(made)))
        content = json.dumps(made).encode()
        if dice.random() < 0.4:
            at = dice.randrange(len(content))
            content = content[:at] + bytes([dice.randrange(256)]) + content[at + dice.randint(0, 3):]
        response = send(api, target(path, fresh), content)
        judge(failures, response, content[:200])
        clean(api, path, response)
    assert not failures, failures[:10]


@pytest.mark.parametrize("path", list(FIELDS) + ["sync", "terminate", "install", "put", "health/sync"])
def test_raw_bodies(api, template, fresh, path):
    failures = []
    paths = {"sync": f"/executions/sessions/{fresh}/execute-sync", "terminate": f"/sessions/{fresh}/terminate", "install": f"/sessions/{fresh}/dependencies/install", "health/sync": "/health/sync"}
    for content in RAW:
        if path == "put":
            response = api.put(f"/templates/{template['id']}", content=content, headers={"Content-Type": "application/json"})
        else:
            response = send(api, paths.get(path) or target(path, fresh), content)
        judge(failures, response, content[:60])
        clean(api, path, response)
    assert not failures, failures[:10]
    assert ok(api.get(f"/templates/{template['id']}"))["name"] == template["name"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16", "application/json; charset=latin1", "application/xml", "\\", "a" * 2000])
def test_content_types(api, template, kind):
    failures = []
    for path in ("/templates", "/sessions"):
        response = send(api, path, json.dumps(valid(path, template)).encode(), kind)
        judge(failures, response, kind[:40])
        clean(api, path, response)
    assert not failures, failures


QUERIES = ["limit=", "limit=-1", "limit=99999999999999999999", "limit=1e3", "limit=0x1", "limit=NaN", "limit=%00", "limit=1&limit=2", "limit[]=1", "offset=-1", "offset=9223372036854775808", "offset=1.5", "offset=", "status=", "status=%00", "status=%ff",
           "status=running&status=failed", "template_id=" + "x" * 5000, "template_id=%F0%9F%98%80", "&&&", "=", "%", "%zz=%zz", "a" * 7000, "limit=%31", "limit=+5", "limit=%D9%A1", "path=%00", "path=..", "poll_interval=inf", "sync_timeout=-inf", "path=" + "a/" * 2000]


@pytest.mark.parametrize("path", ["/templates", "/sessions", "/executions/sessions/{}/executions", "/sessions/{}/files", "/executions/{}/status", "/health"])
def test_queries(sid, path):
    for query in QUERIES:
        status, head, content = raw_request("GET", f"{API}{path.format(sid)}?{query}".encode())
        assert status < 500, (query[:80], status, content[:200])
        assert b"x-request-id:" in head.lower(), query[:80]


def odd_paths():
    dice = random.Random(SEED)
    pieces = ["..", ".", "", "%2e%2e", "%2f", "%00", "%ff", "%", "%u0041", "sessions", "templates", "executions", "files", "upload", "internal", "a" * 300, "%F0%9F%98%80", "%c3%28", "a;b", "a=b", "~", "*", "'", "%27%22", "%0d%0aX:%20y", "status", "result", "{id}", "$HOME", "%20"]
    for piece in pieces:
        for stem in ("", "/templates/", "/sessions/", "/executions/"):
            yield f"{API}{stem or '/'}{piece}"
        yield f"{API}/sessions/{piece}/files/{piece}"
        yield f"{API}/executions/{piece}/status"
        yield f"/{piece}"
    for _ in range(100):
        yield API + "".join("/" + dice.choice(pieces) for _ in range(dice.randint(1, 7)))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_paths(method):
    """DELETE and PUT go only to ids that the dice cannot have made real: the pieces name no session or template."""
    for path in odd_paths():
        status, head, content = raw_request(method, path.encode(), ["Content-Type: application/json"], b"{}" if method in ("POST", "PUT") else b"")
        assert status < 500, (method, path[:120], status, content[:200])
        assert b"\r\nX: y" not in head, path


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "X" * 100])
def test_methods(method):
    for path in ("/health", "/templates", "/sessions/x", "/executions/x/status"):
        status, _, content = raw_request(method, (API + path).encode())
        assert status < 500 or status == 501, (method, path, status, content[:200])


@pytest.mark.parametrize("headers", [["X-Request-ID: " + "x" * 7000], ["X-Request-ID: é"], ["X-Request-ID: a", "X-Request-ID: b"], [b"X-Request-ID: \xff\xfe"], ["Accept: nonsense"], ["Accept-Encoding: gzip, br;q=0, x"], ["Cookie: " + "c=1; " * 500],
                                     ["Range: bytes=0-"], ["If-None-Match: *"], ["Expect: nonsense"], ["X-Forwarded-For: ../../x"], ["Origin: null"], ["Authorization: Bearer x"], [f"X-H{n}: 1" for n in range(60)]])
def test_headers(headers):
    status, head, content = raw_request("GET", f"{API}/health".encode(), headers)
    assert status < 500, (status, content[:200])
    if status == 200:
        assert json.loads(content[content.index(b"{"):content.rindex(b"}") + 1])["status"] == "healthy"


def test_deep_events_pass_or_are_refused(api, fresh):
    for depth in (50, 200, 1000, 20000):
        content = b'{"code":"def handler(event): return 1","language":"python","event":{"d":' + b"[" * depth + b"]" * depth + b"}}"
        response = send(api, f"/executions/sessions/{fresh}/execute", content)
        assert response.status_code in (201, 413, 422), (depth, response.status_code, response.text[:200])
        if response.status_code == 201:
            assert wait_execution(api, response.json()["execution_id"])["status"] in ("completed", "failed")


def test_hostile_environment_names(api, fresh):
    for name in ("", "=", "A=B", "A\x00B", "é", "a b", "LD_PRELOAD", "PATH", "PYTHONPATH", "PYTHONSTARTUP", "HOME", "BASH_ENV", "x" * 40000):
        response = api.post(f"/executions/sessions/{fresh}/execute", json={"code": "def handler(event): return 1", "language": "python", "env_vars": {name: "/nowhere"}})
        assert response.status_code in (201, 422), (name[:40], response.status_code, response.text[:200])
        if response.status_code == 201:
            assert wait_execution(api, response.json()["execution_id"])["status"] in ("completed", "failed")
    assert run(api, fresh, "def handler(event): return 1")["return_value"] == 1


def test_all_is_well_afterwards(api, sid):
    assert ok(api.get("/health"))["status"] == "healthy"
    assert run(api, sid, "def handler(event): return 1")["return_value"] == 1
