"""Docker scheduler integration tests (skipped where there is no docker)."""
import os
import shutil
import subprocess

import pytest


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=20)


def usable():
    return bool(os.environ.get("ACCEPTANCE_DOCKER")) and shutil.which("docker") is not None and docker("info").returncode == 0


pytestmark = [pytest.mark.docker, pytest.mark.skipif(not usable(), reason="docker not used here (ACCEPTANCE_DOCKER=1 to run)")]


class TestDockerScheduler:
    async def test_container_exists_while_session_runs(self, http_client, test_session_id):
        container = (await http_client.get(f"/sessions/{test_session_id}")).json()["container_id"]
        assert docker("inspect", container).returncode == 0

    async def test_container_removed_on_terminate(self, http_client, test_session_id):
        container = (await http_client.get(f"/sessions/{test_session_id}")).json()["container_id"]
        assert (await http_client.post(f"/sessions/{test_session_id}/terminate")).status_code == 200
        assert docker("inspect", container).returncode != 0
