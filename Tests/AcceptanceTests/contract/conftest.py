"""Fixtures of the contract: one client, one template and one shared session for all; throw-away ones on demand."""
import pytest

import acceptance
from acceptance import ok


@pytest.fixture(scope="session")
def api():
    with acceptance.make_client() as client:
        yield client


@pytest.fixture(scope="session")
def template(api):
    made = ok(api.post("/templates", json=acceptance.template_body(default_env_vars={"LEVEL": "template", "T_ONLY": "t"})), 201)
    yield made
    api.delete(f"/templates/{made['id']}")


@pytest.fixture(scope="session")
def _shared(api):
    made = []
    yield made
    for one in made:
        api.delete(f"/sessions/{one}")


@pytest.fixture
def sid(api, template, _shared):
    """The shared running session, made anew if a test broke it. Tests that end, fill or break a session use `fresh`."""
    if not _shared or api.get(f"/sessions/{_shared[-1]}").json().get("status") != "running":
        _shared.append(ok(api.post("/sessions", json={"template_id": template["id"], "env_vars": {"LEVEL": "session", "S_ONLY": "s"}}), 201)["id"])
        acceptance.wait_session(api, _shared[-1])
    return _shared[-1]


@pytest.fixture
def new_session(api, template):
    """Creates sessions that are deleted after the test; `wait=False` answers the one just created."""
    made = []

    def create(wait=True, **fields):
        fields.setdefault("template_id", template["id"])
        session = ok(api.post("/sessions", json=fields), 201)
        made.append(session["id"])
        return acceptance.wait_session(api, session["id"]) if wait else session

    yield create
    for one in made:
        api.delete(f"/sessions/{one}")


@pytest.fixture
def fresh(new_session):
    return new_session()["id"]


@pytest.fixture
def new_template(api):
    made = []

    def create(**over):
        answer = ok(api.post("/templates", json=acceptance.template_body(**over)), 201)
        made.append(answer["id"])
        return answer

    yield create
    for one in made:
        api.delete(f"/templates/{one}")
