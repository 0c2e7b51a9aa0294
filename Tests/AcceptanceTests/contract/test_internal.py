"""Internal: the token is checked before id and body."""
import pytest

from acceptance import API, assert_error, raw_request, run

PATHS = ["/internal/sessions/{}/container_ready", "/internal/sessions/{}/container_exited", "/internal/containers/ready", "/internal/containers/exited", "/internal/executions/{}/heartbeat",
         "/internal/executions/{}/result"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "bearer null", "wrong", "Bearer " + "x" * 4000])
def test_no_good_token(api, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for content in (b"{}", b"", b"{", b"\xff\xfe", b"[]"):
        assert_error(api.post(path.format("absent"), content=content, headers={"Content-Type": "application/json", **headers}), 401)


@pytest.mark.parametrize("path", [p for p in PATHS if "{}" in p])
@pytest.mark.parametrize("odd", ["a%2fb", "x" * 300, "%00", "é", "a b"])
def test_before_the_id(path, odd):
    from urllib.parse import quote
    target = API + path.format(quote(odd, safe="%"))
    status, _, content = raw_request("POST", target.encode(), ["Content-Type: application/json"], b"{}")
    assert status in (401, 404, 400) and b'"code"' in content, (status, content[:200])
    if "%" not in odd:
        assert status == 401


def test_a_forged_result_changes_nothing(api, sid):
    done = run(api, sid, "def handler(event): return 1")
    for token in ({}, {"Authorization": "Bearer wrong"}):
        assert_error(api.post(f"/internal/executions/{done['id']}/result", json={"status": "failed", "exit_code": 1, "return_value": "forged"}, headers=token), 401)
    assert api.get(f"/executions/{done['id']}/result").json() == done
