"""A port that was given to one process is given to no other."""

import subprocess
import sys

from deploy.local import ports
from deploy.local.paths import ROOT

TAKE_ONE = "import sys; from deploy.local import ports; print(ports.any_free(), flush=True); sys.stdin.read()"


def test_a_port_is_given_once_until_its_process_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TAKE_ONE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert ports.is_free(port)  # nobody listens yet
        assert ports.preferred(port) != port
        other.communicate()
    assert ports.preferred(port) == port
    assert ports.preferred(port) == port  # it is ours
