"""Conventions, and the pages at the root."""
import os
import time

import httpx
import pytest

from acceptance import STAMP, URL, assert_error, body, make_client, ok, run, submit, template_body, uid


def test_timestamps_of_a_template(template):
    assert STAMP.match(template["created_at"]) and STAMP.match(template["updated_at"])


def test_timestamps_of_a_session(api, sid):
    session = ok(api.get(f"/sessions/{sid}"))
    for key in ("created_at", "updated_at"):
        assert STAMP.match(session[key]), (key, session[key])
    for key in ("completed_at", "last_activity_at", "dependency_install_started_at", "dependency_install_completed_at"):
        assert session[key] is None or STAMP.match(session[key]), (key, session[key])


def test_timestamps_of_an_execution(api, sid):
    done = run(api, sid, "pass")
    for key in ("created_at", "started_at", "completed_at"):
        assert STAMP.match(done[key]), (key, done[key])
    assert done["created_at"] <= done["started_at"] <= done["completed_at"]


def test_ids_sort_by_creation_time(api, sid):
    made = []
    for _ in range(5):
        made.append(submit(api, sid, "pass"))
        time.sleep(0.003)
    assert made == sorted(made)
    assert len(set(made)) == 5


def test_session_ids_sort_by_creation_time(new_session):
    made = []
    for _ in range(3):
        made.append(new_session(wait=False)["id"])
        time.sleep(0.003)
    assert made == sorted(made)


@pytest.mark.parametrize("chosen", ["a.b_c-D9", "0start", "UPPER", "-dash", "_under", "x..y"])
def test_characters_of_chosen_ids(api, new_session, new_template, chosen):
    wanted = chosen + uid("")
    assert new_template(id=wanted, name=wanted)["id"] == wanted
    assert ok(api.get(f"/templates/{wanted}"))["id"] == wanted
    assert new_session(wait=False, id=wanted)["id"] == wanted
    assert ok(api.get(f"/sessions/{wanted}"))["id"] == wanted


@pytest.mark.parametrize("bad", ["a b", "a/b", "é", "a%b", "a\n", "a:b", "a+b", "\u0000", "a?b", "../x", "a\\b", "<x>"])
def test_other_characters_are_refused(api, template, bad):
    assert_error(api.post("/templates", json=template_body(id=bad)), 422)
    assert_error(api.post("/sessions", json={"id": bad, "template_id": template["id"]}), 422)


def test_template_id_and_name_are_free_again(api):
    made = template_body()
    for _ in range(3):
        ok(api.post("/templates", json=made), 201)
        ok(api.delete(f"/templates/{made['id']}"))
    other = template_body(name=made["name"])
    ok(api.post("/templates", json=made), 201)
    ok(api.delete(f"/templates/{made['id']}"))
    ok(api.post("/templates", json=other), 201)
    ok(api.delete(f"/templates/{other['id']}"))


def test_old_template_name_is_free_after_rename(api, new_template):
    one = new_template()
    ok(api.put(f"/templates/{one['id']}", json={"name": uid("renamed")}))
    assert new_template(name=one["name"])["name"] == one["name"]


def test_session_id_is_free_again(api, template):
    wanted = uid()
    for _ in range(3):
        ok(api.post("/sessions", json={"id": wanted, "template_id": template["id"]}), 201)
        assert_error(api.post("/sessions", json={"id": wanted, "template_id": template["id"]}), 409)
        assert api.delete(f"/sessions/{wanted}").status_code == 204
        assert_error(api.get(f"/sessions/{wanted}"), 404, "session_not_found")


def test_reused_session_id_has_no_old_executions_or_files(api, new_session):
    wanted = uid()
    new_session(id=wanted)
    old = run(api, wanted, "open('left', 'w').write('x')")["id"]
    assert api.delete(f"/sessions/{wanted}").status_code == 204
    new_session(id=wanted)
    assert ok(api.get(f"/executions/sessions/{wanted}/executions"))["total"] == 0
    assert_error(api.get(f"/executions/{old}/result"), 404)
    assert_error(api.get(f"/sessions/{wanted}/files/left"), 404)


def _gateways():
    return [URL] + [u for u in os.environ.get("ACCEPTANCE_GATEWAYS", "").split(",") if u]


def test_read_your_writes(template):
    """Through every gateway of ACCEPTANCE_GATEWAYS (a comma-separated list of base URLs), the next request included."""
    clients = [make_client(u) for u in _gateways()]
    for turn in range(12):
        write, read = clients[turn % len(clients)], clients[(turn + 1) % len(clients)]
        made = template_body()
        ok(write.post("/templates", json=made), 201)
        ok(read.get(f"/templates/{made['id']}"))
        ok(write.put(f"/templates/{made['id']}", json={"default_memory_mb": 1000 + turn}))
        assert ok(read.get(f"/templates/{made['id']}"))["default_memory_mb"] == 1000 + turn
        ok(write.delete(f"/templates/{made['id']}"))
        assert_error(read.get(f"/templates/{made['id']}"), 404)
        session = ok(write.post("/sessions", json={"template_id": template["id"]}), 201)["id"]
        ok(read.get(f"/sessions/{session}"))
        assert session in [s["id"] for s in ok(read.get("/sessions", params={"template_id": template["id"]}))["items"]]
        assert write.delete(f"/sessions/{session}").status_code == 204
        assert_error(read.get(f"/sessions/{session}"), 404)


def test_an_execution_is_never_unknown_after_its_201(api, sid):
    for _ in range(20):
        ok(api.get(f"/executions/{submit(api, sid, 'pass')}/status"))


def test_unknown_fields_are_ignored(api, sid, new_template, new_session):
    new_template(nonsense=1, another=None)
    new_session(wait=False, mode="ephemeral", nonsense={"a": [1]})
    assert run(api, sid, "pass", nonsense="x")["status"] == "completed"
    ok(api.get("/sessions", params={"nonsense": "x"}))


@pytest.mark.parametrize("path", ["/templates", "/sessions"])
@pytest.mark.parametrize("content", [b"{", b"", b"nonsense", b'{"id":}', b'{"a":1}}', b"[1,", b"{'id': 1}"])
def test_malformed_json(api, path, content):
    assert_error(api.post(path, content=content, headers={"Content-Type": "application/json"}), 422)


@pytest.mark.parametrize("path", ["/templates", "/sessions"])
@pytest.mark.parametrize("content", [b"[]", b"1", b'"x"', b"null", b"true", b"[{}]"])
def test_body_of_another_type(api, path, content):
    assert_error(api.post(path, content=content, headers={"Content-Type": "application/json"}), 422)


@pytest.mark.parametrize("content", [b'{"id":"\xff"}', b"\xfe\xff", b'{"template_id":"\xc3("}', b'{"template_id":"\xed\xa0\x80"}', b'{"template_id":"\xc0\xaf"}'])
def test_body_that_is_not_utf8(api, sid, content):
    for path in ("/templates", "/sessions", f"/executions/sessions/{sid}/execute"):
        assert_error(api.post(path, content=content, headers={"Content-Type": "application/json"}), 400)


def test_422_names_the_field(api, template):
    answer = assert_error(api.post("/sessions", json={"template_id": template["id"], "timeout": 0}), 422)
    assert ["body", "timeout"] in [item["loc"] for item in answer["detail"]]


def test_422_of_a_query_names_the_parameter(api):
    answer = assert_error(api.get("/sessions", params={"limit": "many"}), 422)
    assert ["query", "limit"] in [item["loc"] for item in answer["detail"]]


@pytest.mark.soft
def test_422_names_every_bad_field(api):
    answer = assert_error(api.post("/templates", json={"runtime_type": "x", "default_memory_mb": 1}), 422)
    found = {item["loc"][-1] for item in answer["detail"]}
    assert {"id", "name", "image_url", "runtime_type", "default_memory_mb"} <= found


@pytest.mark.parametrize("method,path", [
    ("GET", "/templates/absent"), ("PUT", "/templates/absent"), ("DELETE", "/templates/absent"), ("GET", "/sessions/absent"),
    ("DELETE", "/sessions/absent"), ("POST", "/sessions/absent/terminate"), ("GET", "/executions/absent/status"),
    ("GET", "/executions/absent/result"), ("GET", "/sessions/absent/files"), ("GET", "/sessions/absent/files/x"), ("GET", "/nonsense"),
])
def test_404_shape(api, method, path):
    answer = assert_error(api.request(method, path, json={} if method == "PUT" else None), 404)
    if path.startswith("/sessions/"):
        assert answer["code"] == "session_not_found"


def test_404_of_an_execution_in_no_session(api):
    assert_error(api.post("/executions/sessions/absent/execute", json={"code": "1", "language": "python"}), 404, "session_not_found")
    assert_error(api.post("/executions/sessions/absent/execute-sync", json={"code": "1", "language": "python"}), 404, "session_not_found")


@pytest.mark.soft
def test_404_of_a_list_in_no_session(api):
    assert_error(api.get("/executions/sessions/absent/executions"), 404, "session_not_found")


def test_409_shape(api, template):
    answer = assert_error(api.post("/templates", json=template_body(id=template["id"])), 409)
    assert answer["error"] == "Conflict"


@pytest.mark.soft
@pytest.mark.parametrize("method,path", [("PATCH", "/templates"), ("PUT", "/sessions"), ("DELETE", "/health"), ("GET", "/sessions/x/terminate")])
def test_wrong_method(api, method, path):
    assert_error(api.request(method, path), (404, 405))


def test_body_over_its_limit(api, sid):
    big = b'{"language":"python","code":"' + b"a" * (64 << 20) + b'"}'
    try:
        response = api.post(f"/executions/sessions/{sid}/execute", content=big, headers={"Content-Type": "application/json"})
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
        pytest.fail(f"the connection was cut with no 413 to read: {error!r}")
    assert_error(response, 413)


def test_request_id_is_made(api):
    seen = {api.get("/health").headers["x-request-id"] for _ in range(5)}
    assert len(seen) == 5


@pytest.mark.parametrize("sent", ["abc-123", "0f8fad5b-d9cb-469f-a165-70867728950e", "A" * 32])
def test_request_id_of_the_client(api, sent):
    assert api.get("/health", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent
    assert api.get("/sessions/absent", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent
    assert api.post("/sessions", content=b"{", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["x" * 5000, "", "a b\tc<script>"])
def test_request_id_that_is_not_valid(api, sent):
    response = api.get("/health", headers={"X-Request-ID": sent})
    got = response.headers.get("x-request-id")
    assert got, response.status_code
    if response.status_code == 200 and sent != "a b\tc<script>":
        assert got != sent


@pytest.fixture(scope="module")
def root():
    with httpx.Client(base_url=URL, trust_env=False, timeout=30) as client:
        yield client


def test_docs(root):
    response = root.get("/docs")
    assert response.status_code == 200
    assert "text/html" in response.headers["content-type"]
    assert response.headers.get("x-request-id")


PATHS = {
    "/templates": {"post", "get"}, "/templates/{}": {"get", "put", "delete"}, "/sessions": {"post", "get"}, "/sessions/{}": {"get", "delete"},
    "/sessions/{}/terminate": {"post"}, "/sessions/{}/dependencies/install": {"post"}, "/executions/sessions/{}/execute": {"post"},
    "/executions/sessions/{}/execute-sync": {"post"}, "/executions/{}/status": {"get"}, "/executions/{}/result": {"get"},
    "/executions/sessions/{}/executions": {"get"}, "/sessions/{}/files/upload": {"post"}, "/sessions/{}/files": {"get"},
    "/sessions/{}/files/{}": {"get"}, "/health": {"get"},
}


def test_openapi(root):
    import re
    response = root.get("/openapi.json")
    assert response.status_code == 200
    document = body(response)
    assert str(document["openapi"]).startswith("3.")
    found = {re.sub(r"\{[^}]*\}", "{}", path): set(operations) for path, operations in document["paths"].items()}
    for path, methods in PATHS.items():
        key = "/api/v1" + path if "/api/v1" + path in found else path
        assert methods <= found.get(key, set()), f"{path} {methods} not in the document"


def test_metrics(root):
    response = root.get("/metrics")
    assert response.status_code == 200
    lines = [line for line in response.text.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        float(line.rsplit(" ", 1)[1])


def test_health_at_the_root(root, api):
    answer, other = ok(root.get("/health")), ok(api.get("/health"))
    assert answer.keys() == other.keys()
    assert (answer["status"], answer["version"]) == (other["status"], other["version"])


def test_health(api):
    answer = ok(api.get("/health"))
    assert answer["status"] == "healthy"
    assert isinstance(answer["version"], str) and answer["version"]
    assert isinstance(answer["uptime"], (int, float)) and answer["uptime"] >= 0


def test_health_detailed(api):
    assert isinstance(ok(api.get("/health/detailed")), dict)


def test_health_sync(api):
    answer = ok(api.post("/health/sync"))
    assert isinstance(answer, dict) and answer
