"""The platform that docker-compose.yml of this folder runs, as somebody outside of its containers finds it."""

import shutil
import subprocess

from deploy.local.paths import ROOT
from deploy.local.trouble import Trouble


def find() -> dict[str, str]:
    """Return GATEWAY_URL, ADMIN_EMAIL and ADMIN_PASSWORD; empty where nothing runs in containers. Raises Trouble."""
    if shutil.which("docker") is None:
        return {}
    port = _compose("port", "gateway-api", "8000")
    if port.returncode != 0:
        return {}
    admin = _compose("run", "--rm", "--no-deps", "-T", "setup", "admin")
    if admin.returncode != 0:
        raise Trouble(f"the containers do not say who the administrator is:\n{admin.stderr.strip()}")
    told = dict(line.split("=", 1) for line in admin.stdout.splitlines())
    return {"GATEWAY_URL": f"http://{port.stdout.strip()}"} | told


def _compose(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", "compose", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
