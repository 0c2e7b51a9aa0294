"""Sessions (all but dependencies)."""
import pytest

from acceptance import assert_error, names_field, ok, returned, run, submit, uid, wait_execution, wait_session

KEYS = """id template_id status resource_limit workspace_path language_runtime runtime_type runtime_node container_id pod_name env_vars timeout
python_package_index_url requested_dependencies installed_dependencies dependency_install_status dependency_install_error
dependency_install_started_at dependency_install_completed_at created_at updated_at completed_at last_activity_at error""".split()


def quantity(text):
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    for unit, factor in units.items():
        if text.endswith(unit):
            return float(text[:-2]) * factor
    return float(text)


def test_created(new_session):
    made = new_session(wait=False)
    assert set(KEYS) <= made.keys(), set(KEYS) - made.keys()
    assert made["status"] == "creating"
    assert made["timeout"] == 300
    assert made["error"] is None
    assert {"cpu", "memory", "disk", "max_processes"} <= made["resource_limit"].keys()


def test_without_dependencies(new_session):
    for made in (new_session(wait=False), new_session(), new_session(dependencies=[])):
        assert made["dependency_install_status"] == "completed"
        assert made["installed_dependencies"] == [] and made["requested_dependencies"] == []
        assert made["dependency_install_error"] is None


def test_limits_default_to_the_template(new_template, new_session):
    made = new_session(wait=False, template_id=new_template(default_cpu_cores=2, default_memory_mb=768, default_disk_mb=2048)["id"])["resource_limit"]
    assert float(made["cpu"]) == 2
    assert quantity(made["memory"]) == 768 * 2**20
    assert quantity(made["disk"]) == 2048 * 2**20


def test_limits_of_the_request(new_session):
    made = new_session(wait=False, cpu="0.5", memory="1Gi", disk="2Gi")["resource_limit"]
    assert float(made["cpu"]) == 0.5 and quantity(made["memory"]) == 2**30 and quantity(made["disk"]) == 2**31


def test_ceilings_above_the_host_are_accepted(api, new_session):
    made = new_session(cpu="64", memory="4096Gi", disk="100000Gi")
    assert returned(api, made["id"], "def handler(event): return 1") == 1


def test_several_sessions_per_core(new_session):
    import os
    for made in [new_session(wait=False, cpu="1") for _ in range(2 * (os.cpu_count() or 1))]:
        assert made["status"] == "creating"


def test_more_sessions_than_cores_run(api, new_session):
    for made in [new_session(wait=False, cpu="1") for _ in range(6)]:
        wait_session(api, made["id"])


@pytest.mark.parametrize("field,value", [("cpu", "much"), ("cpu", "-1"), ("cpu", ""), ("cpu", []), ("memory", "lots"), ("memory", "512Xi"), ("memory", "-1Mi"),
                                         ("memory", {}), ("disk", "big"), ("disk", "Gi"), ("cpu", "nan"), ("cpu", "1e999")])
def test_limits_that_are_none(api, template, field, value):
    assert names_field(assert_error(api.post("/sessions", json={"template_id": template["id"], field: value}), 422), field)


@pytest.mark.parametrize("field,value", [("timeout", 1), ("timeout", 3600), ("install_timeout", 30), ("install_timeout", 1800), ("fail_on_dependency_error", False),
                                         ("allow_version_conflicts", True), ("event", {"a": 1}), ("env_vars", {}), ("python_package_index_url", "")])
def test_in_range(new_session, field, value):
    made = new_session(wait=False, **{field: value})
    if field == "timeout":
        assert made["timeout"] == value


@pytest.mark.parametrize("field,value", [
    ("timeout", 0), ("timeout", 3601), ("timeout", -5), ("timeout", "x"), ("timeout", 1.5), ("timeout", 2**64), ("install_timeout", 29), ("install_timeout", 1801),
    ("env_vars", []), ("env_vars", "x"), ("event", []), ("event", "x"), ("dependencies", {}), ("dependencies", "six"), ("fail_on_dependency_error", "maybe"),
    ("template_id", 1), ("template_id", None), ("template_id", []), ("python_package_index_url", 1),
])
def test_out_of_range(api, template, field, value):
    assert names_field(assert_error(api.post("/sessions", json={"template_id": template["id"], field: value}), 422), field)


def test_only_the_template_is_required(api, new_session):
    assert names_field(assert_error(api.post("/sessions", json={}), 422), "template_id")
    new_session(wait=False)


def test_unknown_template(api):
    assert_error(api.post("/sessions", json={"template_id": "absent-template"}), 400)


def test_chosen_ids(api, template, new_session):
    longest = (uid() + "x" * 64)[:64]
    assert new_session(wait=False, id=longest)["id"] == longest
    for bad in ("", longest + "x", 5):
        assert names_field(assert_error(api.post("/sessions", json={"id": bad, "template_id": template["id"]}), 422), "id")
    assert_error(api.post("/sessions", json={"id": longest, "template_id": template["id"]}), 409)


def test_a_terminated_session_keeps_its_id(api, template, new_session):
    made = new_session(id=uid())["id"]
    ok(api.post(f"/sessions/{made}/terminate"))
    assert_error(api.post("/sessions", json={"id": made, "template_id": template["id"]}), 409)


def test_env_vars_and_timeout_are_answered(api, new_session):
    made = new_session(env_vars={"A": "1", "U": "é\n"}, timeout=77)
    again = ok(api.get(f"/sessions/{made['id']}"))
    assert again["env_vars"] == {"A": "1", "U": "é\n"} and again["timeout"] == 77


def test_running(api, new_session):
    one, two = new_session(), new_session()
    assert one["container_id"] and two["container_id"] and one["container_id"] != two["container_id"]
    for code in ("pass", "raise SystemExit(3)", "import os; os.abort()"):
        run(api, one["id"], code)
        again = ok(api.get(f"/sessions/{one['id']}"))
        assert (again["status"], again["container_id"]) == ("running", one["container_id"])
    assert again["error"] is None
    assert again["workspace_path"]


def test_the_session_lives_on_after_a_timeout(api, fresh):
    before = ok(api.get(f"/sessions/{fresh}"))["container_id"]
    assert run(api, fresh, "while True: pass", timeout=1)["status"] == "timeout"
    after = ok(api.get(f"/sessions/{fresh}"))
    assert (after["status"], after["container_id"]) == ("running", before)
    assert returned(api, fresh, "def handler(event): return 'alive'") == "alive"


def test_last_activity(api, fresh):
    before = ok(api.get(f"/sessions/{fresh}"))["last_activity_at"]
    run(api, fresh, "pass")
    after = ok(api.get(f"/sessions/{fresh}"))["last_activity_at"]
    assert after is not None and (before is None or after >= before)


def test_terminate(api, fresh):
    done = run(api, fresh, "open('f', 'w').write('x')")
    for content in (None, b"", b"{}"):
        answer = ok(api.post(f"/sessions/{fresh}/terminate", content=content))
        assert (answer["id"], answer["status"]) == (fresh, "terminated")
    assert ok(api.get(f"/sessions/{fresh}"))["status"] == "terminated"
    assert_error(api.post(f"/executions/sessions/{fresh}/execute", json={"code": "1", "language": "python"}), 409)
    assert_error(api.post(f"/executions/sessions/{fresh}/execute-sync", json={"code": "1", "language": "python"}), 409)
    assert ok(api.get(f"/executions/{done['id']}/result")) == done
    assert ok(api.get(f"/executions/sessions/{fresh}/executions"))["total"] == 1
    assert_error(api.get(f"/sessions/{fresh}/files/f"), (404, 409, 410))


def test_terminate_while_creating(api, new_session):
    made = new_session(wait=False)["id"]
    assert ok(api.post(f"/sessions/{made}/terminate"))["status"] == "terminated"
    for _ in range(5):
        assert ok(api.get(f"/sessions/{made}"))["status"] == "terminated"


@pytest.mark.soft
def test_terminate_while_executing(api, fresh):
    running = submit(api, fresh, "import time; time.sleep(60)", timeout=60)
    queued = submit(api, fresh, "pass")
    ok(api.post(f"/sessions/{fresh}/terminate"))
    assert wait_execution(api, running)["status"] in ("cancelled", "failed", "crashed")
    assert wait_execution(api, queued)["status"] in ("cancelled", "failed", "crashed")


def test_delete_in_any_status(api, new_session):
    creating = new_session(wait=False)["id"]
    running = new_session()["id"]
    terminated = new_session()["id"]
    ok(api.post(f"/sessions/{terminated}/terminate"))
    for one in (creating, running, terminated):
        response = api.delete(f"/sessions/{one}")
        assert response.status_code == 204 and response.content == b"" and response.headers["x-request-id"]
        assert_error(api.get(f"/sessions/{one}"), 404, "session_not_found")
        assert_error(api.delete(f"/sessions/{one}"), 404, "session_not_found")


def test_delete_takes_the_executions(api, fresh):
    done = run(api, fresh, "pass")["id"]
    assert api.delete(f"/sessions/{fresh}").status_code == 204
    assert_error(api.get(f"/executions/{done}/status"), 404)
    assert_error(api.get(f"/executions/{done}/result"), 404)


def test_delete_while_executing(api, new_session):
    made = new_session()["id"]
    submit(api, made, "import time; time.sleep(60)", timeout=60)
    assert api.delete(f"/sessions/{made}").status_code == 204
    assert_error(api.get(f"/sessions/{made}"), 404)


class TestList:
    @pytest.fixture
    def three(self, new_template, new_session):
        template = new_template()["id"]
        return template, [new_session(wait=False, template_id=template)["id"] for _ in range(3)]

    def test_newest_first(self, api, three):
        template, made = three
        page = ok(api.get("/sessions", params={"template_id": template}))
        assert [s["id"] for s in page["items"]] == made[::-1]
        assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (3, 50, 0, False)
        assert all(set(KEYS) <= s.keys() for s in page["items"])

    def test_pages(self, api, three):
        template, made = three
        for offset, more in ((0, True), (1, True), (2, False)):
            page = ok(api.get("/sessions", params={"template_id": template, "limit": 1, "offset": offset}))
            assert [s["id"] for s in page["items"]] == [made[::-1][offset]]
            assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (3, 1, offset, more)
        page = ok(api.get("/sessions", params={"template_id": template, "offset": 99}))
        assert (page["items"], page["total"], page["offset"], page["has_more"]) == ([], 3, 99, False)

    @pytest.mark.parametrize("asked,echoed", [(0, 1), (1, 1), (-7, 1), (199, 199), (200, 200), (201, 200), (100000, 200)])
    def test_limit_is_clamped(self, api, asked, echoed):
        page = ok(api.get("/sessions", params={"limit": asked}))
        assert page["limit"] == echoed and len(page["items"]) <= echoed

    def test_by_status(self, api, three):
        template, made = three
        ok(api.post(f"/sessions/{made[1]}/terminate"))
        page = ok(api.get("/sessions", params={"template_id": template, "status": "terminated"}))
        assert [s["id"] for s in page["items"]] == [made[1]] and page["total"] == 1
        for one in (made[0], made[2]):
            wait_session(api, one)
        page = ok(api.get("/sessions", params={"template_id": template, "status": "running"}))
        assert [s["id"] for s in page["items"]] == [made[2], made[0]]

    @pytest.mark.parametrize("query", [{"status": "nonsense"}, {"template_id": "absent"}, {"status": "RUNNING"}, {"template_id": "%00'\" OR 1=1"}])
    def test_a_filter_that_matches_nothing(self, api, query):
        page = ok(api.get("/sessions", params=query))
        assert (page["items"], page["total"], page["has_more"]) == ([], 0, False)

    @pytest.mark.parametrize("query", [{"limit": "x"}, {"offset": "x"}, {"limit": "1.5"}, {"limit": "9" * 40 + "x"}])
    def test_wrong_type(self, api, query):
        assert_error(api.get("/sessions", params=query), 422)
