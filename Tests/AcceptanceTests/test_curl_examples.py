"""The curl examples that the users of this API know, as they paste them (only the base URL and the two placeholder ids are put in)."""
import json
import shutil
import subprocess

import pytest

import acceptance
from acceptance import URL

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")

HEALTH = "curl http://localhost:8000/api/v1/health"
CREATE_TEMPLATE = r'''curl -X POST http://localhost:8000/api/v1/templates \
  -H "Content-Type: application/json" \
  -d '{
    "id": "test_template_python",
    "name": "Python Basic Test",
    "image_url": "sandbox-template-python-basic:latest",
    "runtime_type": "python3.11",
    "default_cpu_cores": 1.0,
    "default_memory_mb": 512,
    "default_disk_mb": 1024,
    "default_timeout_sec": 300
  }'
'''
CREATE_SESSION = r'''curl -X POST http://localhost:8000/api/v1/sessions \
  -H "Content-Type: application/json" \
  -d '{
    "template_id": "test_template_python",
    "timeout": 300,
    "cpu": "1",
    "memory": "512Mi",
    "disk": "1Gi"
  }'
'''
EXECUTE = r'''SESSION_ID="your_session_id"
curl -X POST http://localhost:8000/api/v1/executions/sessions/$SESSION_ID/execute \
  -H "Content-Type: application/json" \
  -d '{
    "code": "def handler(event):\n    return {\"message\": \"Hello, World!\"}",
    "language": "python",
    "timeout": 10,
    "event": {},
    "env_vars": {}
  }'
'''
RESULT = '''EXECUTION_ID="your_execution_id"
curl http://localhost:8000/api/v1/executions/$EXECUTION_ID/result
'''


def curl(script, **placeholders):
    for name, value in placeholders.items():
        script = script.replace(f"your_{name}", value)
    script = script.replace("http://localhost:8000", URL)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_examples_in_order():
    health = curl(HEALTH)
    assert health["status"] == "healthy"
    assert isinstance(health["version"], str) and isinstance(health["uptime"], (int, float))
    with acceptance.make_client() as client:
        client.delete("/templates/test_template_python")
        template = curl(CREATE_TEMPLATE)
        assert template["id"] == "test_template_python", template
        assert template["default_timeout_sec"] == 300
        session = curl(CREATE_SESSION)
        assert session["template_id"] == "test_template_python", session
        try:
            acceptance.wait_session(client, session["id"])
            made = curl(EXECUTE, session_id=session["id"])
            assert made["session_id"] == session["id"], made
            acceptance.wait_execution(client, made["execution_id"])
            result = curl(RESULT, execution_id=made["execution_id"])
            assert result["status"] == "completed", result
            assert result["return_value"] == {"message": "Hello, World!"}
        finally:
            client.delete(f"/sessions/{session['id']}")


@pytest.mark.soft
def test_execute_straight_after_create():
    """A reader pastes the examples without waiting: the execution is accepted while the session is `creating`."""
    with acceptance.make_client() as client:
        client.delete("/templates/test_template_python")
        curl(CREATE_TEMPLATE)
        session = curl(CREATE_SESSION)
        try:
            made = curl(EXECUTE, session_id=session["id"])
            assert "execution_id" in made, made
            assert acceptance.wait_execution(client, made["execution_id"])["return_value"] == {"message": "Hello, World!"}
        finally:
            client.delete(f"/sessions/{session['id']}")
