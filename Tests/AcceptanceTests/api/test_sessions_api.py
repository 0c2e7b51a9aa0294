"""Session management endpoints."""
import uuid

import pytest


class TestSessionsAPI:
    async def test_create_session(self, http_client, test_template_id, create_session_and_track):
        response = await create_session_and_track(http_client, {
            "template_id": test_template_id, "timeout": 300, "cpu": "1", "memory": "512Mi", "disk": "1Gi"})
        assert response.status_code == 201
        data = response.json()
        assert data["id"]
        assert data["template_id"] == test_template_id
        assert data["status"] in ("creating", "running")
        assert data["resource_limit"]["cpu"] == "1"
        assert data["resource_limit"]["memory"] == "512Mi"
        assert data["resource_limit"]["disk"] == "1Gi"
        assert data["timeout"] == 300
        assert "created_at" in data and "updated_at" in data
        assert data["workspace_path"]

    async def test_create_session_minimal(self, http_client, test_template_id, create_session_and_track):
        response = await create_session_and_track(http_client, {"template_id": test_template_id})
        assert response.status_code == 201
        assert response.json()["timeout"] == 300

    async def test_create_session_with_env_vars(self, http_client, test_template_id, create_session_and_track):
        response = await create_session_and_track(http_client, {
            "template_id": test_template_id, "env_vars": {"DEBUG": "true", "API_KEY": "test_key"}})
        assert response.status_code == 201
        assert response.json()["env_vars"] == {"DEBUG": "true", "API_KEY": "test_key"}

    async def test_create_session_with_custom_id(self, http_client, test_template_id, create_session_and_track):
        wanted = f"custom-{uuid.uuid4().hex[:12]}"
        response = await create_session_and_track(http_client, {"id": wanted, "template_id": test_template_id})
        assert response.status_code == 201
        assert response.json()["id"] == wanted
        again = await http_client.post("/sessions", json={"id": wanted, "template_id": test_template_id})
        assert again.status_code == 409

    async def test_create_session_invalid_template(self, http_client):
        response = await http_client.post("/sessions", json={"template_id": "non_existent_template", "timeout": 300})
        assert response.status_code == 400

    async def test_create_session_missing_template(self, http_client):
        response = await http_client.post("/sessions", json={"timeout": 300})
        assert response.status_code == 422
        assert isinstance(response.json()["detail"], list)

    @pytest.mark.parametrize("timeout", [0, -1, 3601, "soon"])
    async def test_create_session_invalid_timeout(self, http_client, test_template_id, timeout):
        response = await http_client.post("/sessions", json={"template_id": test_template_id, "timeout": timeout})
        assert response.status_code == 422

    async def test_get_session(self, http_client, test_session_id):
        response = await http_client.get(f"/sessions/{test_session_id}")
        assert response.status_code == 200
        data = response.json()
        assert data["id"] == test_session_id
        assert data["status"] == "running"
        assert data["container_id"]

    async def test_get_session_not_found(self, http_client):
        response = await http_client.get("/sessions/non_existent_session")
        assert response.status_code == 404
        assert response.json()["error"] == "Not Found"

    async def test_list_sessions(self, http_client, test_session_id):
        response = await http_client.get("/sessions")
        assert response.status_code == 200
        data = response.json()
        assert {"items", "total", "limit", "offset", "has_more"} <= data.keys()
        assert test_session_id in [item["id"] for item in data["items"]]

    async def test_list_sessions_with_filters(self, http_client, test_session_id, test_template_id):
        response = await http_client.get("/sessions", params={"status": "running", "template_id": test_template_id})
        assert response.status_code == 200
        items = response.json()["items"]
        assert test_session_id in [item["id"] for item in items]
        assert all(item["status"] == "running" and item["template_id"] == test_template_id for item in items)

    async def test_list_sessions_pagination(self, http_client, test_session_id):
        response = await http_client.get("/sessions", params={"limit": 1, "offset": 0})
        data = response.json()
        assert data["limit"] == 1 and data["offset"] == 0 and len(data["items"]) == 1

    async def test_terminate_session(self, http_client, test_session_id):
        response = await http_client.post(f"/sessions/{test_session_id}/terminate")
        assert response.status_code == 200
        assert response.json()["status"] == "terminated"
        response = await http_client.get(f"/sessions/{test_session_id}")
        assert response.status_code == 200
        assert response.json()["status"] == "terminated"

    async def test_terminate_not_found(self, http_client):
        assert (await http_client.post("/sessions/non_existent_session/terminate")).status_code == 404

    async def test_delete_session(self, http_client, test_session_id):
        response = await http_client.delete(f"/sessions/{test_session_id}")
        assert response.status_code == 204
        assert (await http_client.get(f"/sessions/{test_session_id}")).status_code == 404

    async def test_delete_session_not_found(self, http_client):
        assert (await http_client.delete("/sessions/non_existent_session")).status_code == 404


class TestFilesAPI:
    async def test_upload_and_download(self, http_client, test_session_id):
        response = await http_client.post(f"/sessions/{test_session_id}/files/upload", params={"path": "data/input.txt"},
                                          files={"file": ("input.txt", b"hello world", "text/plain")})
        assert response.status_code == 200
        assert response.json() == {"session_id": test_session_id, "file_path": "data/input.txt", "size": 11} or \
            {"session_id", "file_path", "size"} <= response.json().keys()
        response = await http_client.get(f"/sessions/{test_session_id}/files/data/input.txt")
        assert response.status_code == 200
        assert response.content == b"hello world"

    async def test_download_not_found(self, http_client, test_session_id):
        assert (await http_client.get(f"/sessions/{test_session_id}/files/missing.txt")).status_code == 404

    async def test_upload_session_not_found(self, http_client):
        response = await http_client.post("/sessions/non_existent_session/files/upload", params={"path": "a.txt"}, files={"file": ("a.txt", b"x")})
        assert response.status_code == 404

    async def test_upload_path_traversal(self, http_client, test_session_id):
        response = await http_client.post(f"/sessions/{test_session_id}/files/upload", params={"path": "../../etc/passwd"}, files={"file": ("a", b"x")})
        assert response.status_code == 400


class TestHealth:
    async def test_health(self, http_client):
        response = await http_client.get("/health")
        assert response.status_code == 200
        data = response.json()
        assert data["status"] == "healthy"
        assert data["version"]
        assert data["uptime"] >= 0

    async def test_health_detailed(self, http_client):
        response = await http_client.get("/health/detailed")
        assert response.status_code == 200
        assert response.json()["status"] in ("healthy", "degraded", "unhealthy")
