"""S3 workspace tests: the same observable behaviour; run only where the installation keeps workspaces in S3."""
import os

import pytest

pytestmark = pytest.mark.skipif(not os.environ.get("ACCEPTANCE_S3"), reason="S3 not configured (ACCEPTANCE_S3=1 to run)")


class TestS3Workspace:
    async def test_upload_seen_by_execution(self, http_client, persistent_session_id, execute):
        response = await http_client.post(f"/sessions/{persistent_session_id}/files/upload", params={"path": "s3/in.txt"}, files={"file": ("in.txt", b"from s3")})
        assert response.status_code == 200
        result = await execute(persistent_session_id, "def handler(event):\n    return open('s3/in.txt').read()")
        assert result["return_value"] == "from s3"

    async def test_written_file_downloads(self, http_client, persistent_session_id, execute):
        await execute(persistent_session_id, "def handler(event):\n    open('o.bin', 'wb').write(bytes(range(256)))")
        assert (await http_client.get(f"/sessions/{persistent_session_id}/files/o.bin")).content == bytes(range(256))

    async def test_workspace_path(self, http_client, persistent_session_id):
        assert (await http_client.get(f"/sessions/{persistent_session_id}")).json()["workspace_path"]
