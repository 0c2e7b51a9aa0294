"""Code execution endpoints."""


class TestExecutionsAPI:
    async def test_execute_python_code(self, http_client, test_session_id, wait_for_execution_completion):
        response = await http_client.post(f"/executions/sessions/{test_session_id}/execute", json={
            "code": 'def handler(event):\n    print("Hello, World!")\n    return {"status": "success"}',
            "language": "python", "timeout": 10, "event": {}, "env_vars": {}})
        assert response.status_code == 201
        data = response.json()
        assert {"execution_id", "session_id", "status", "created_at"} <= data.keys()
        assert data["session_id"] == test_session_id
        result = await wait_for_execution_completion(data["execution_id"])
        assert result["status"] == "completed", result
        assert result["exit_code"] == 0
        assert "Hello, World!" in result["stdout"]
        assert result["return_value"] == {"status": "success"}

    async def test_execute_python_with_event(self, test_session_id, execute):
        code = 'def handler(event):\n    name = event.get("name", "World")\n    return {"message": f"Hello, {name}!"}'
        assert (await execute(test_session_id, code, event={"name": "Alice"}))["return_value"] == {"message": "Hello, Alice!"}
        assert (await execute(test_session_id, code))["return_value"] == {"message": "Hello, World!"}

    async def test_execute_python_with_env_vars(self, test_session_id, execute):
        code = 'import os\ndef handler(event):\n    return {"value": os.environ.get("TEST_VAR")}'
        assert (await execute(test_session_id, code, env_vars={"TEST_VAR": "test_value"}))["return_value"] == {"value": "test_value"}

    async def test_execute_shell(self, test_session_id, execute):
        result = await execute(test_session_id, "echo 'Hello from shell'", language="shell")
        assert result["status"] == "completed"
        assert "Hello from shell" in result["stdout"]

    async def test_execute_python_error(self, test_session_id, execute):
        result = await execute(test_session_id, 'def handler(event):\n    raise ValueError("Test error")')
        assert result["status"] == "failed"
        assert result["exit_code"] != 0
        assert "ValueError" in result["stderr"] and "Test error" in result["stderr"]

    async def test_execute_syntax_error(self, test_session_id, execute):
        result = await execute(test_session_id, "def handler(event)\n    return 1")
        assert result["status"] == "failed"
        assert "SyntaxError" in result["stderr"]

    async def test_execute_timeout(self, test_session_id, execute):
        result = await execute(test_session_id, "import time\ndef handler(event):\n    time.sleep(60)", timeout=1)
        assert result["status"] == "timeout"

    async def test_execute_session_not_found(self, http_client):
        response = await http_client.post("/executions/sessions/non_existent/execute", json={"code": "print(1)", "language": "python"})
        assert response.status_code == 404

    async def test_execute_invalid_language(self, http_client, test_session_id):
        response = await http_client.post(f"/executions/sessions/{test_session_id}/execute", json={"code": "x", "language": "brainfuck"})
        assert response.status_code == 422

    async def test_execute_missing_code(self, http_client, test_session_id):
        response = await http_client.post(f"/executions/sessions/{test_session_id}/execute", json={"language": "python"})
        assert response.status_code == 422

    async def test_execute_terminated_session(self, http_client, test_session_id):
        assert (await http_client.post(f"/sessions/{test_session_id}/terminate")).status_code == 200
        response = await http_client.post(f"/executions/sessions/{test_session_id}/execute", json={"code": "print(1)", "language": "python"})
        assert response.status_code == 409

    async def test_status_and_result_are_the_same(self, http_client, test_session_id, execute):
        result = await execute(test_session_id, "def handler(event):\n    return [1, 2]")
        status = (await http_client.get(f"/executions/{result['id']}/status")).json()
        assert status == result

    async def test_status_not_found(self, http_client):
        assert (await http_client.get("/executions/non_existent/status")).status_code == 404
        assert (await http_client.get("/executions/non_existent/result")).status_code == 404

    async def test_list_session_executions(self, http_client, test_session_id, execute):
        made = [(await execute(test_session_id, f"print({n})"))["id"] for n in range(3)]
        response = await http_client.get(f"/executions/sessions/{test_session_id}/executions")
        assert response.status_code == 200
        data = response.json()
        assert data["total"] == 3
        assert [item["id"] for item in data["items"]] == made[::-1]

    async def test_execute_sync(self, http_client, test_session_id):
        response = await http_client.post(f"/executions/sessions/{test_session_id}/execute-sync", params={"poll_interval": 0.5, "sync_timeout": 30},
                                          json={"code": "def handler(event):\n    return 42", "language": "python", "timeout": 10})
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "completed"
        assert response.json()["return_value"] == 42

    async def test_return_types(self, test_session_id, execute):
        for literal, value in [("{'a': 1}", {"a": 1}), ("[1, 'b']", [1, "b"]), ("'text'", "text"), ("7", 7), ("1.5", 1.5), ("True", True), ("None", None)]:
            result = await execute(test_session_id, f"def handler(event):\n    return {literal}")
            assert result["status"] == "completed"
            assert result["return_value"] == value, literal

    async def test_metrics(self, test_session_id, execute):
        result = await execute(test_session_id, "def handler(event):\n    return sum(range(100000))")
        assert result["execution_time"] >= 0
        assert "duration_ms" in result["metrics"]
