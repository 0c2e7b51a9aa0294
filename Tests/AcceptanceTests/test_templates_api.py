"""Template CRUD operations."""
import uuid

import pytest

from acceptance import IMAGE


def template(**over):
    unique = uuid.uuid4().hex[:8]
    data = {
        "id": f"tpl_{unique}", "name": f"Template {unique}", "image_url": IMAGE, "runtime_type": "python3.11",
        "default_cpu_cores": 1.0, "default_memory_mb": 512, "default_disk_mb": 1024, "default_timeout_sec": 300,
    }
    data.update(over)
    return data


@pytest.fixture
async def created(http_client):
    data = template()
    response = await http_client.post("/templates", json=data)
    assert response.status_code == 201, response.text
    yield response.json()
    await http_client.delete(f"/templates/{data['id']}")


class TestTemplatesAPI:
    async def test_create_template(self, http_client):
        data = template()
        response = await http_client.post("/templates", json=data)
        assert response.status_code == 201
        answer = response.json()
        for key, value in data.items():
            assert answer[key] == value, key
        assert answer["is_active"] is True
        assert answer["created_at"] and answer["updated_at"]
        assert (await http_client.delete(f"/templates/{data['id']}")).status_code == 200

    async def test_create_duplicate_id(self, http_client, created):
        response = await http_client.post("/templates", json=template(id=created["id"]))
        assert response.status_code == 409

    async def test_create_duplicate_name(self, http_client, created):
        response = await http_client.post("/templates", json=template(name=created["name"]))
        assert response.status_code == 409

    async def test_create_invalid_runtime(self, http_client):
        assert (await http_client.post("/templates", json=template(runtime_type="cobol85"))).status_code == 422

    @pytest.mark.parametrize("field", ["id", "name", "image_url", "runtime_type"])
    async def test_create_missing_field(self, http_client, field):
        data = template()
        del data[field]
        response = await http_client.post("/templates", json=data)
        assert response.status_code == 422
        assert any(field in item["loc"] for item in response.json()["detail"])

    async def test_list_templates(self, http_client, created):
        response = await http_client.get("/templates")
        assert response.status_code == 200
        assert isinstance(response.json(), list)

    async def test_list_templates_pagination(self, http_client, created):
        response = await http_client.get("/templates", params={"limit": 1, "offset": 0})
        assert response.status_code == 200
        assert len(response.json()) == 1

    async def test_get_template(self, http_client, created):
        response = await http_client.get(f"/templates/{created['id']}")
        assert response.status_code == 200
        assert response.json() == created

    async def test_get_template_not_found(self, http_client):
        response = await http_client.get("/templates/non_existent_template")
        assert response.status_code == 404
        assert response.json()["error"] == "Not Found"

    async def test_update_template(self, http_client, created):
        response = await http_client.put(f"/templates/{created['id']}", json={"default_memory_mb": 1024, "default_cpu_cores": 2.0})
        assert response.status_code == 200
        answer = response.json()
        assert answer["default_memory_mb"] == 1024
        assert answer["default_cpu_cores"] == 2.0
        assert answer["name"] == created["name"]
        assert (await http_client.get(f"/templates/{created['id']}")).json() == answer

    async def test_update_not_found(self, http_client):
        assert (await http_client.put("/templates/non_existent_template", json={"name": "x"})).status_code == 404

    async def test_delete_template(self, http_client):
        data = template()
        assert (await http_client.post("/templates", json=data)).status_code == 201
        response = await http_client.delete(f"/templates/{data['id']}")
        assert response.status_code == 200
        assert "message" in response.json()
        assert (await http_client.get(f"/templates/{data['id']}")).status_code == 404

    async def test_delete_not_found(self, http_client):
        assert (await http_client.delete("/templates/non_existent_template")).status_code == 404
