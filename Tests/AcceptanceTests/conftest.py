"""Acceptance tests: what a client of the REST API may rely on, checked from outside, against a server that runs.

    scripts/test AcceptanceTests                  # builds, starts a server of its own, and runs all of them
    scripts/test AcceptanceTests/Range            # those whose names match, as pytest -k does

Against another server, with the packages of requirements.txt:

    ACCEPTANCE_URL=http://host:8000 pytest -c Tests/AcceptanceTests/pytest.ini [-m "not slow and not network"]

ACCEPTANCE_URL             where the server is (http://localhost:8000)
ACCEPTANCE_INTERNAL_TOKEN  its INTERNAL_TOKEN; without it the internal calls are tested for refusals only
ACCEPTANCE_GATEWAYS        more base URLs of the same installation, with commas between: a write shows through each
ACCEPTANCE_INDEX_URL       its default package index, if not pip's
ACCEPTANCE_S3, ACCEPTANCE_DOCKER   1 where workspaces are kept in S3, or sandboxes are this machine's Docker containers
ACCEPTANCE_SEED            other fuzzed inputs
"""
import asyncio

import httpx
import pytest

import acceptance
from acceptance import API, IMAGE, TERMINAL, URL

POLL_INTERVAL = 0.02

_created_sessions: list[str] = []


def pytest_configure(config):
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("these tests run sequentially: no pytest-xdist")


def pytest_collection_finish(session):
    if session.config.option.collectonly or not session.items:
        return
    try:
        answer = httpx.get(f"{URL}{API}/health", timeout=10, trust_env=False)
    except httpx.HTTPError as error:
        pytest.exit(f"no server at {URL} (ACCEPTANCE_URL): {error!r}", returncode=3)
    if answer.status_code != 200:
        pytest.exit(f"{URL}{API}/health answered {answer.status_code}", returncode=3)


@pytest.fixture
async def http_client():
    async with httpx.AsyncClient(base_url=f"{URL}{API}", timeout=60.0, trust_env=False, verify=URL.startswith("https")) as client:
        yield client


@pytest.fixture
async def test_template_id(http_client):
    template_id = "test_template_python"
    response = await http_client.get(f"/templates/{template_id}")
    if response.status_code == 200:
        return template_id
    response = await http_client.post("/templates", json={
        "id": template_id,
        "name": "Python Basic Test",
        "image_url": IMAGE,
        "runtime_type": "python3.11",
        "default_cpu_cores": 1.0,
        "default_memory_mb": 512,
        "default_disk_mb": 1024,
        "default_timeout_sec": 300,
    })
    assert response.status_code in (201, 409), response.text
    return template_id


async def _create_session_and_track(client, data):
    response = await client.post("/sessions", json=data)
    if response.status_code == 201:
        _created_sessions.append(response.json()["id"])
    return response


@pytest.fixture
def create_session_and_track():
    return _create_session_and_track


async def _wait_running(client, session_id, timeout=120.0):
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while loop.time() < deadline:
        response = await client.get(f"/sessions/{session_id}")
        assert response.status_code == 200, response.text
        session = response.json()
        if session["status"] == "running":
            return session
        assert session["status"] == "creating", f"session is {session['status']}: {session.get('error')}"
        await asyncio.sleep(POLL_INTERVAL)
    pytest.fail(f"session {session_id} did not become running in {timeout} s")


@pytest.fixture
def wait_for_session_running():
    return _wait_running


async def _new_session(client, template_id, mode):
    response = await _create_session_and_track(client, {
        "template_id": template_id, "timeout": 300, "cpu": "1", "memory": "512Mi", "disk": "1Gi", "mode": mode,
    })
    assert response.status_code == 201, response.text
    session_id = response.json()["id"]
    await _wait_running(client, session_id)
    return session_id


@pytest.fixture
async def test_session_id(http_client, test_template_id):
    return await _new_session(http_client, test_template_id, "ephemeral")


@pytest.fixture
async def persistent_session_id(http_client, test_template_id):
    return await _new_session(http_client, test_template_id, "persistent")


@pytest.fixture
def wait_for_execution_completion(http_client):
    async def wait(execution_id, timeout=120.0):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while loop.time() < deadline:
            response = await http_client.get(f"/executions/{execution_id}/status")
            assert response.status_code == 200, response.text
            if response.json()["status"] in TERMINAL:
                return response.json()
            await asyncio.sleep(POLL_INTERVAL)
        pytest.fail(f"execution {execution_id} not terminal after {timeout} s")
    return wait


@pytest.fixture
def execute(http_client, wait_for_execution_completion):
    """Submits code, waits, answers what /result says."""
    async def go(session_id, code, language="python", timeout=10, event=None, env_vars=None):
        response = await http_client.post(f"/executions/sessions/{session_id}/execute", json={
            "code": code, "language": language, "timeout": timeout, "event": event or {}, "env_vars": env_vars or {},
        })
        assert response.status_code == 201, response.text
        execution_id = response.json()["execution_id"]
        await wait_for_execution_completion(execution_id)
        response = await http_client.get(f"/executions/{execution_id}/result")
        assert response.status_code == 200, response.text
        return response.json()
    return go


@pytest.fixture(autouse=True)
def auto_cleanup_sessions():
    yield
    if not _created_sessions:
        return
    with acceptance.make_client() as client:
        while _created_sessions:
            client.delete(f"/sessions/{_created_sessions.pop()}")
