"""Where the service is, how to wait, what an error looks like."""
import json
import os
import random
import re
import socket
import string
import time
from urllib.parse import urlsplit

import httpx

URL = os.environ.get("ACCEPTANCE_URL", "http://localhost:8000").rstrip("/")
API = "/api/v1"
IMAGE = "sandbox-template-python-basic:latest"
TERMINAL = {"completed", "failed", "timeout", "crashed", "cancelled"}
EXECUTION_STATUSES = TERMINAL | {"pending", "running"}
SESSION_STATUSES = {"creating", "running", "completed", "failed", "timeout", "terminated"}
POLL = 0.02
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:?\d\d)$")


def uid(prefix="test"):
    return f"{prefix}-" + "".join(random.choices(string.ascii_lowercase + string.digits, k=10))


def make_client(url=URL, **kw):
    kw.setdefault("timeout", 60.0)
    kw.setdefault("verify", url.startswith("https"))  # no certificates to load for plain HTTP: a client a test is cheap
    return httpx.Client(base_url=url + API, trust_env=False, **kw)


def _no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def body(response):
    """The response's JSON, strictly: NaN and Infinity are not JSON."""
    try:
        return json.loads(response.content.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:
        raise AssertionError(f"{response.status_code} body is not JSON: {response.content[:300]!r}") from error


def ok(response, status=200):
    assert response.status_code == status, f"{response.request.method} {response.request.url} -> {response.status_code}: {response.text[:600]}"
    assert response.headers.get("x-request-id"), "no X-Request-ID"
    return body(response) if response.content else None


def assert_error(response, status, code=None):
    """The error shape that the API gives for `status` (an int or several); answers the body."""
    allowed = {status} if isinstance(status, int) else set(status)
    where = f"{response.request.method} {response.request.url} -> {response.status_code}: {response.text[:400]}"
    assert response.status_code in allowed, f"expected {sorted(allowed)}: {where}"
    assert response.headers.get("x-request-id"), f"no X-Request-ID: {where}"
    answer = body(response)
    assert isinstance(answer, dict), where
    assert re.fullmatch(r"[a-z][a-z0-9_]*", str(answer.get("code"))), f"no machine-readable code: {where}"
    if code is not None:
        assert answer["code"] == code, where
    if response.status_code == 422:
        detail = answer.get("detail")
        assert isinstance(detail, list) and detail, f"422 without a detail list: {where}"
        for item in detail:
            assert isinstance(item["loc"], list) and item["loc"], where
            assert isinstance(item["msg"], str) and item["msg"], where
            assert isinstance(item["type"], str) and item["type"], where
    if response.status_code in (404, 409):
        for key in ("error", "message", "detail"):
            assert key in answer, f"no {key}: {where}"
        assert isinstance(answer["message"], str) and answer["message"], where
    if response.status_code == 404:
        assert answer["error"] == "Not Found", where
    if response.status_code in (429, 503):
        assert float(response.headers["retry-after"]) >= 0, where
    return answer


def names_field(answer, field):
    """True when a 422 body points at `field`."""
    return any(field in [str(part) for part in item["loc"]] for item in answer["detail"])


def same(a, b):
    """Equality that tells 1 from 1.0 from true and 0.0 from -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return repr(a) == repr(b) if isinstance(a, float) else a == b


def template_body(**over):
    unique = uid()
    made = {"id": unique, "name": f"name {unique}", "image_url": IMAGE, "runtime_type": "python3.11"}
    made.update(over)
    return made


def wait_session(client, sid, wanted=("running",), within=120.0):
    deadline = time.monotonic() + within
    while True:
        session = ok(client.get(f"/sessions/{sid}"))
        assert session["status"] in SESSION_STATUSES, session["status"]
        if session["status"] in wanted:
            return session
        assert session["status"] not in ("failed", "terminated", "timeout"), f"session is {session['status']}: {session.get('error')}"
        assert time.monotonic() < deadline, f"session stayed {session['status']} for {within} s, wanted {wanted}"
        time.sleep(POLL)


def submit(client, sid, code, language="python", **fields):
    made = ok(client.post(f"/executions/sessions/{sid}/execute", json={"code": code, "language": language, **fields}), 201)
    assert made["session_id"] == sid
    return made["execution_id"]


def wait_execution(client, eid, within=120.0):
    deadline = time.monotonic() + within
    while True:
        execution = ok(client.get(f"/executions/{eid}/status"))
        assert execution["status"] in EXECUTION_STATUSES, execution["status"]
        if execution["status"] in TERMINAL:
            return execution
        assert time.monotonic() < deadline, f"execution stayed {execution['status']} for {within} s"
        time.sleep(POLL)


def run(client, sid, code, language="python", within=120.0, **fields):
    return wait_execution(client, submit(client, sid, code, language, **fields), within)


def returned(client, sid, code, **fields):
    """return_value of an execution that must be completed."""
    execution = run(client, sid, code, **fields)
    assert execution["status"] == "completed", brief(execution)
    return execution["return_value"]


def brief(execution):
    keys = ("status", "exit_code", "error_message", "return_value", "stdout", "stderr")
    return {k: (v[:1500] if isinstance(v, str) else v) for k, v in execution.items() if k in keys}


def upload(client, sid, path, data, **kw):
    return client.post(f"/sessions/{sid}/files/upload", params={"path": path}, files={"file": ("f.bin", data)}, **kw)


def raw_request(method, target, headers=(), content=b"", url=URL, timeout=15.0):
    """Sends `target` (bytes) untouched; answers (status, head, body). Nothing normalizes the path, unlike in clients."""
    parts = urlsplit(url)
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + parts.netloc.encode(), b"Connection: close"]
    lines += [h if isinstance(h, bytes) else h.encode() for h in headers]
    if content:
        lines.append(b"Content-Length: " + str(len(content)).encode())
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout) as link:
        link.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + content)
        got = b""
        while chunk := _receive(link):
            got += chunk
    head, _, rest = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), f"no HTTP answer to {method} {target[:120]!r}: {got[:200]!r}"
    return int(head.split()[1]), head, rest


def _receive(link):
    try:
        return link.recv(65536)
    except ConnectionResetError:
        return b""
