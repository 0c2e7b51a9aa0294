"""End-to-end workflow tests."""
import asyncio
import uuid

from acceptance import IMAGE


class TestE2EWorkflow:
    async def test_complete_workflow(self, http_client, create_session_and_track, wait_for_session_running, wait_for_execution_completion):
        template_id = f"e2e_{uuid.uuid4().hex[:8]}"
        response = await http_client.post("/templates", json={
            "id": template_id, "name": f"E2E {template_id}", "image_url": IMAGE, "runtime_type": "python3.11"})
        assert response.status_code == 201
        response = await create_session_and_track(http_client, {"template_id": template_id, "timeout": 300})
        assert response.status_code == 201
        session_id = response.json()["id"]
        await wait_for_session_running(http_client, session_id)
        response = await http_client.post(f"/executions/sessions/{session_id}/execute", json={
            "code": "def handler(event):\n    return {'sum': sum(event['numbers'])}", "language": "python", "event": {"numbers": [1, 2, 3, 4, 5]}})
        assert response.status_code == 201
        result = await wait_for_execution_completion(response.json()["execution_id"])
        assert result["return_value"] == {"sum": 15}
        assert (await http_client.post(f"/sessions/{session_id}/terminate")).json()["status"] == "terminated"
        assert (await http_client.delete(f"/sessions/{session_id}")).status_code == 204
        assert (await http_client.delete(f"/templates/{template_id}")).status_code == 200

    async def test_multiple_executions_in_session(self, persistent_session_id, execute):
        for n in range(5):
            result = await execute(persistent_session_id, f"def handler(event):\n    return {n} * {n}")
            assert result["return_value"] == n * n

    async def test_workspace_persists_between_executions(self, persistent_session_id, execute):
        await execute(persistent_session_id, "def handler(event):\n    open('state.txt', 'w').write('kept')\n    return True")
        result = await execute(persistent_session_id, "def handler(event):\n    return open('/workspace/state.txt').read()")
        assert result["return_value"] == "kept"

    async def test_file_operations(self, http_client, persistent_session_id, execute):
        response = await http_client.post(f"/sessions/{persistent_session_id}/files/upload", params={"path": "in/data.csv"},
                                          files={"file": ("data.csv", b"a,b\n1,2\n3,4\n", "text/csv")})
        assert response.status_code == 200
        result = await execute(persistent_session_id, (
            "import csv, json\ndef handler(event):\n    rows = list(csv.DictReader(open('in/data.csv')))\n"
            "    json.dump({'total': sum(int(r['b']) for r in rows)}, open('out.json', 'w'))\n    return len(rows)"))
        assert result["return_value"] == 2, result
        response = await http_client.get(f"/sessions/{persistent_session_id}/files/out.json")
        assert response.status_code == 200
        assert response.json() == {"total": 6}
        listing = (await http_client.get(f"/sessions/{persistent_session_id}/files")).json()
        assert listing["count"] == len(listing["files"]) >= 1

    async def test_concurrent_sessions_are_isolated(self, http_client, test_template_id, create_session_and_track, wait_for_session_running, execute):
        made = await asyncio.gather(*(create_session_and_track(http_client, {"template_id": test_template_id}) for _ in range(3)))
        ids = [response.json()["id"] for response in made]
        await asyncio.gather(*(wait_for_session_running(http_client, one) for one in ids))
        code = "import os\ndef handler(event):\n    found = os.path.exists('who')\n    open('who', 'w').write('x')\n    return found"
        results = await asyncio.gather(*(execute(one, code) for one in ids))
        assert [r["return_value"] for r in results] == [False, False, False]

    async def test_error_recovery(self, test_session_id, execute):
        assert (await execute(test_session_id, "def handler(event):\n    return 1/0"))["status"] == "failed"
        assert (await execute(test_session_id, "def handler(event):\n    return 'fine'"))["return_value"] == "fine"
