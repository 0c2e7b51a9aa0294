"""State synchronization tests."""
import asyncio


class TestStateSync:
    async def test_session_reaches_running(self, http_client, test_session_id):
        session = (await http_client.get(f"/sessions/{test_session_id}")).json()
        assert session["status"] == "running"
        assert session["container_id"]

    async def test_sync_endpoint(self, http_client, test_session_id):
        response = await http_client.post("/health/sync")
        assert response.status_code == 200
        assert isinstance(response.json(), dict)
        assert (await http_client.get(f"/sessions/{test_session_id}")).json()["status"] == "running"

    async def test_status_consistent_between_get_and_list(self, http_client, test_session_id):
        one = (await http_client.get(f"/sessions/{test_session_id}")).json()
        listed = [s for s in (await http_client.get("/sessions")).json()["items"] if s["id"] == test_session_id]
        assert len(listed) == 1
        assert listed[0]["status"] == one["status"]
        assert listed[0]["container_id"] == one["container_id"]

    async def test_session_stays_running_after_failed_execution(self, http_client, test_session_id, execute):
        before = (await http_client.get(f"/sessions/{test_session_id}")).json()["container_id"]
        await execute(test_session_id, "import os\nos._exit(3)")
        await http_client.post("/health/sync")
        session = (await http_client.get(f"/sessions/{test_session_id}")).json()
        assert session["status"] == "running"
        assert session["container_id"] == before

    async def test_sync_leaves_terminated_sessions(self, http_client, test_session_id):
        await http_client.post(f"/sessions/{test_session_id}/terminate")
        assert (await http_client.post("/health/sync")).status_code == 200
        assert (await http_client.get(f"/sessions/{test_session_id}")).json()["status"] == "terminated"

    async def test_concurrent_syncs(self, http_client, test_session_id):
        answers = await asyncio.gather(*(http_client.post("/health/sync") for _ in range(4)))
        assert [a.status_code for a in answers] == [200] * 4
