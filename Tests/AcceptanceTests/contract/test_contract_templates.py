"""Templates."""
import random
import string

import pytest

from acceptance import IMAGE, assert_error, names_field, ok, template_body, uid

KEYS = {"id", "name", "image_url", "runtime_type", "default_cpu_cores", "default_memory_mb", "default_disk_mb", "default_timeout_sec",
        "default_env_vars", "is_active", "created_at", "updated_at"}


def test_defaults(new_template):
    made = new_template()
    assert KEYS <= made.keys()
    assert made["default_cpu_cores"] == 0.5
    assert made["default_memory_mb"] == 512
    assert made["default_disk_mb"] == 1024
    assert made["default_timeout_sec"] == 300
    assert made["is_active"] is True


def test_python_basic_exists(api):
    assert ok(api.get("/templates/python-basic"))["id"] == "python-basic"


@pytest.mark.parametrize("runtime", ["python3.11", "nodejs20", "java17", "go1.21"])
def test_runtimes(new_template, runtime):
    assert new_template(runtime_type=runtime)["runtime_type"] == runtime


@pytest.mark.parametrize("runtime", ["python3.12", "", "PYTHON3.11", None, 3, ["python3.11"]])
def test_other_runtimes(api, runtime):
    assert names_field(assert_error(api.post("/templates", json=template_body(runtime_type=runtime)), 422), "runtime_type")


@pytest.mark.parametrize("missing", ["id", "name", "image_url", "runtime_type"])
def test_required(api, missing):
    made = template_body()
    del made[missing]
    assert names_field(assert_error(api.post("/templates", json=made), 422), missing)


GOOD = [("default_cpu_cores", v) for v in (0.1, 0.5, 1, 4)] + [("default_memory_mb", v) for v in (128, 129, 8192)] + \
       [("default_disk_mb", v) for v in (256, 51200)] + [("default_timeout", v) for v in (60, 3600)] + [("default_timeout_sec", v) for v in (60, 61, 3600)]
BAD = [("default_cpu_cores", v) for v in (0.09, 0, -1, 4.01, 1e300, "much", [1])] + [("default_memory_mb", v) for v in (127, 8193, 0, -1, 2**70, 512.5, "x", {})] + \
      [("default_disk_mb", v) for v in (255, 51201, -1, "x")] + [("default_timeout", v) for v in (59, 3601, 0, -1, "x")] + \
      [("default_timeout_sec", v) for v in (59, 3601, "x")] + [("default_env_vars", v) for v in ([], "x", 1)]


@pytest.mark.parametrize("field,value", GOOD)
def test_in_range(api, new_template, field, value):
    made = new_template(**{field: value})
    shown = "default_timeout_sec" if field == "default_timeout" else field
    assert made[shown] == value
    assert ok(api.get(f"/templates/{made['id']}"))[shown] == value
    assert ok(api.put(f"/templates/{made['id']}", json={field: value}))[shown] == value


@pytest.mark.parametrize("field,value", BAD)
def test_out_of_range(api, template, field, value):
    before = ok(api.get(f"/templates/{template['id']}"))
    answer = assert_error(api.post("/templates", json=template_body(**{field: value})), 422)
    assert names_field(answer, field) or (field.startswith("default_timeout") and (names_field(answer, "default_timeout") or names_field(answer, "default_timeout_sec")))
    assert_error(api.put(f"/templates/{template['id']}", json={field: value}), 422)
    assert ok(api.get(f"/templates/{template['id']}")) == before


@pytest.mark.parametrize("field,longest", [("id", 64), ("name", 255), ("image_url", 512)])
def test_lengths(api, new_template, field, longest):
    for length in (longest, longest - 1):
        value = (uid() + "x" * longest)[:length]
        assert new_template(**{field: value})[field] == value
    for value in ((uid() + "x" * longest)[: longest + 1], "", 5, None):
        assert names_field(assert_error(api.post("/templates", json=template_body(**{field: value})), 422), field)


def test_shortest(api, new_template):
    one = random.choice(string.ascii_letters)
    api.delete(f"/templates/{one}")
    assert new_template(id=one, name=uid())["id"] == one
    assert new_template(image_url="x")["image_url"] == "x"
    assert new_template(name=random.choice("𝔸𝔹ℂ𝔻𝔼𝔽"))["name"]


def test_name_length_is_in_characters(new_template):
    name = (uid() + "é" * 255)[:255]
    assert new_template(name=name)["name"] == name


def test_duplicates(api, template):
    before = ok(api.get(f"/templates/{template['id']}"))
    assert_error(api.post("/templates", json=template_body(id=template["id"])), 409)
    assert_error(api.post("/templates", json=template_body(name=template["name"])), 409)
    assert ok(api.get(f"/templates/{template['id']}")) == before


def test_list_is_a_bare_array_by_name(api, new_template):
    stem = uid("list")
    made = [new_template(name=f"{stem} {letter}")["name"] for letter in "bca"]
    listed, offset = [], 0
    while True:
        page = ok(api.get("/templates", params={"limit": 50, "offset": offset}))
        assert isinstance(page, list) and len(page) <= 50
        if not page:
            break
        listed += page
        offset += len(page)
    assert [t["name"] for t in listed if t["name"].startswith(stem)] == sorted(made)
    assert len({t["id"] for t in listed}) == len(listed)
    assert all(KEYS <= t.keys() for t in listed)
    assert [t["id"] for t in ok(api.get("/templates", params={"limit": 1, "offset": 1}))] == [listed[1]["id"]]
    assert ok(api.get("/templates", params={"offset": len(listed) + 1000})) == []
    assert ok(api.get("/templates")) == listed[:50]


@pytest.mark.parametrize("query", [{"limit": "x"}, {"offset": "x"}])
def test_list_of_wrong_type(api, query):
    assert_error(api.get("/templates", params=query), 422)


def test_put_keeps_what_is_absent(api, new_template):
    made = new_template(default_env_vars={"A": "1"}, default_memory_mb=700)
    for change in ({"default_memory_mb": 1024}, {"name": uid()}, {"default_env_vars": {"B": "2"}}, {"default_timeout": 61}, {"default_timeout_sec": 62},
                   {"image_url": "other:1"}, {"runtime_type": "go1.21"}, {"default_cpu_cores": 2, "default_disk_mb": 300}, {}):
        before = ok(api.get(f"/templates/{made['id']}"))
        after = ok(api.put(f"/templates/{made['id']}", json=change))
        expected = {**before, **change, "updated_at": after["updated_at"]}
        # One setting under two names: a server may answer both, and then they agree.
        seconds = change.get("default_timeout", change.get("default_timeout_sec", before["default_timeout_sec"]))
        expected["default_timeout_sec"] = seconds
        if "default_timeout" in after:
            expected["default_timeout"] = seconds
        assert after == expected
        assert after["updated_at"] >= before["updated_at"]
    assert after["created_at"] == made["created_at"]


def test_put_cannot_change_the_id(api, new_template):
    made, other = new_template(), uid()
    assert api.put(f"/templates/{made['id']}", json={"id": other}).status_code in (200, 422)
    assert ok(api.get(f"/templates/{made['id']}"))["id"] == made["id"]
    assert_error(api.get(f"/templates/{other}"), 404)


def test_put_names(api, new_template):
    one, two = new_template(), new_template()
    assert_error(api.put(f"/templates/{one['id']}", json={"name": two["name"]}), 409)
    assert ok(api.put(f"/templates/{one['id']}", json={"name": one["name"]}))["name"] == one["name"]
    assert_error(api.put("/templates/absent", json={"name": uid()}), 404)


def test_delete(api, new_template):
    made = new_template()
    answer = ok(api.delete(f"/templates/{made['id']}"))
    assert isinstance(answer["message"], str) and answer["message"]
    assert_error(api.get(f"/templates/{made['id']}"), 404)
    assert_error(api.delete(f"/templates/{made['id']}"), 404)
    assert_error(api.put(f"/templates/{made['id']}", json={}), 404)


def test_delete_with_sessions(api, new_template, new_session):
    made = new_template()
    session = new_session(template_id=made["id"])
    ok(api.delete(f"/templates/{made['id']}"))
    again = ok(api.get(f"/sessions/{session['id']}"))
    assert (again["status"], again["template_id"]) == ("running", made["id"])
    assert_error(api.post("/sessions", json={"template_id": made["id"]}), 400)


def test_an_unknown_image_fails_the_session_only(api, new_template, new_session):
    made = new_template(image_url=f"no-such-image-{uid('')}:none")
    session = new_session(wait=False, template_id=made["id"])
    assert session["status"] == "creating"
    session = wait_session_failed(api, session["id"])
    assert isinstance(session["error"]["code"], str) and session["error"]["code"]
    assert isinstance(session["error"]["message"], str) and session["error"]["message"]
    assert_error(api.post(f"/executions/sessions/{session['id']}/execute", json={"code": "1", "language": "python"}), 409)
    assert ok(api.get("/health"))["status"] == "healthy"
    assert api.delete(f"/sessions/{session['id']}").status_code == 204
    assert_error(api.get(f"/sessions/{session['id']}"), 404)


def wait_session_failed(api, sid):
    import time
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        session = ok(api.get(f"/sessions/{sid}"))
        if session["status"] == "failed":
            return session
        assert session["status"] == "creating", session["status"]
        time.sleep(0.02)
    raise AssertionError("the session did not fail")


def test_the_image_can_be_used_on_every_installation(new_template, new_session):
    assert new_session(template_id=new_template(image_url=IMAGE)["id"])["status"] == "running"
