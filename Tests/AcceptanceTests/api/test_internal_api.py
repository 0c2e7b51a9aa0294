"""Internal callback API: refused unless a token is configured and presented."""
import os
import uuid

import pytest

TOKEN = os.environ.get("ACCEPTANCE_INTERNAL_TOKEN")

CALLS = [
    ("/internal/containers/ready", {"container_id": "c1", "container_port": 8080}),
    ("/internal/containers/exited", {"container_id": "c1", "exit_code": 0, "exit_reason": "normal"}),
    ("/internal/sessions/some_session/container_ready", {"container_id": "c1", "pod_name": "p", "executor_port": 8080}),
    ("/internal/sessions/some_session/container_exited", {"container_id": "c1", "exit_code": 0}),
    ("/internal/executions/some_execution/heartbeat", {"timestamp": "2026-01-01T00:00:00Z"}),
    ("/internal/executions/some_execution/result", {"status": "success", "stdout": "", "stderr": "", "exit_code": 0, "execution_time": 0.1}),
]


class TestInternalAPI:
    @pytest.mark.parametrize("path,data", CALLS)
    async def test_without_token(self, http_client, path, data):
        response = await http_client.post(path, json=data)
        assert response.status_code == 401

    @pytest.mark.parametrize("path,data", CALLS)
    async def test_with_invalid_token(self, http_client, path, data):
        response = await http_client.post(path, json=data, headers={"Authorization": "Bearer wrong-" + uuid.uuid4().hex})
        assert response.status_code == 401

    @pytest.mark.skipif(not TOKEN, reason="ACCEPTANCE_INTERNAL_TOKEN not set")
    async def test_result_after_terminal_changes_nothing(self, http_client, test_session_id, execute):
        before = await execute(test_session_id, "def handler(event):\n    return 1")
        response = await http_client.post(f"/internal/executions/{before['id']}/result", headers={"Authorization": f"Bearer {TOKEN}"}, json={
            "status": "failed", "stdout": "forged", "stderr": "forged", "exit_code": 9, "execution_time": 9.0})
        assert response.status_code == 200, response.text
        after = (await http_client.get(f"/executions/{before['id']}/result")).json()
        assert after == before

    @pytest.mark.skipif(not TOKEN, reason="ACCEPTANCE_INTERNAL_TOKEN not set")
    async def test_heartbeat_idempotent(self, http_client, test_session_id, execute):
        done = await execute(test_session_id, "print(1)")
        for _ in range(2):
            response = await http_client.post(f"/internal/executions/{done['id']}/heartbeat", headers={"Authorization": f"Bearer {TOKEN}"}, json={})
            assert response.status_code in (200, 204, 422), response.text
