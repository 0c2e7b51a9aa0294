"""Background task tests: cleanup, health checks."""
import asyncio


class TestBackgroundTasks:
    async def test_health_while_executing(self, http_client, test_session_id):
        response = await http_client.post(f"/executions/sessions/{test_session_id}/execute", json={
            "code": "import time\ntime.sleep(1)", "language": "python", "timeout": 10})
        assert response.status_code == 201
        answers = await asyncio.gather(*(http_client.get("/health") for _ in range(10)))
        assert all(a.status_code == 200 and a.json()["status"] == "healthy" for a in answers)

    async def test_uptime_grows(self, http_client):
        first = (await http_client.get("/health")).json()["uptime"]
        await asyncio.sleep(0.05)
        assert (await http_client.get("/health")).json()["uptime"] >= first

    async def test_idle_session_is_kept(self, http_client, test_session_id, execute):
        await execute(test_session_id, "print(1)")
        assert (await http_client.get(f"/sessions/{test_session_id}")).json()["status"] == "running"

    async def test_activity_is_recorded(self, http_client, test_session_id, execute):
        before = (await http_client.get(f"/sessions/{test_session_id}")).json()
        await execute(test_session_id, "print(1)")
        after = (await http_client.get(f"/sessions/{test_session_id}")).json()
        assert after["last_activity_at"] >= before["last_activity_at"]

    async def test_detailed_health_names_dependencies(self, http_client):
        data = (await http_client.get("/health/detailed")).json()
        assert len(data) > 1

    async def test_failed_session_leaves_service_healthy(self, http_client, test_session_id, execute):
        await execute(test_session_id, "raise SystemExit(1)")
        assert (await http_client.get("/health")).json()["status"] == "healthy"
