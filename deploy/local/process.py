"""Child processes never outlive us unnoticed: they die with their parent, or the next start finds and stops them."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from deploy.local.trouble import Trouble

TETHER = Path(__file__).with_name("tether.py")

#: How nice those are who follow commands, and Kafka, to those whose answer somebody waits for: a tenth of their weight.
FOLLOWS = 10


class Handle(Protocol):
    """What we do with a process that we started: `subprocess.Popen`, and what a fork server has for a fork."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


@dataclass
class Child:
    """A process that we started; `stop_signal` asks it to end in good order."""

    name: str
    process: Handle
    pid_file: Path
    stop_signal: signal.Signals

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.alive():
            self.process.send_signal(self.stop_signal)

    def stop(self, patience: float = 60.0) -> None:
        """Ask it to end, wait `patience` seconds, then kill it; what it started itself has ended too on return."""
        try:
            below = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            below = []
        self.ask_to_stop()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _, left = psutil.wait_procs(below, timeout=10)  # PostgreSQL's go by themselves once it has gone
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.pid_file.unlink(missing_ok=True)


def launch(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    pid_file: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    user: str = "-",
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals | None = None,
    niceness: int = 0,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start `command` in `folder` with its output appended to `log`; it gets `death_signal` when we end.

    Call it from the main thread: Linux sends that signal when the *thread* ends that started the process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    ends = (os.getpid(), int(death_signal or stop_signal))
    whole = [sys.executable, "-I", "-S", TETHER, *ends, user, niceness, folder]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*map(str, whole), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment) if environment is not None else None,
            start_new_session=True,  # Ctrl-C is ours alone: the order in which they end is ours too
            pass_fds=pass_fds,
        )
    note(pid_file, name, process.pid)
    return Child(name, process, pid_file, stop_signal)


def note(pid_file: Path, name: str, pid: int) -> None:
    """Write down which process it is, for `find`."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(psutil.NoSuchProcess):
        created = psutil.Process(pid).create_time()
        pid_file.write_text(json.dumps({"name": name, "pid": pid, "created": created}))


def find(pid_file: Path) -> psutil.Process | None:
    """Return the living process that a pid file is about, None where it ended: a pid alone may be anybody's by now."""
    try:
        written = json.loads(pid_file.read_text())
        process = psutil.Process(written["pid"])
        same = abs(process.create_time() - written["created"]) < 2.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, json.JSONDecodeError, KeyError, psutil.NoSuchProcess):
        return None


def stop_left_over(pid_file: Path, stop_signal: signal.Signals = signal.SIGTERM, patience: float = 30.0) -> bool:
    """Stop what an earlier run, that ended without stopping it, has left behind; tell whether there was something."""
    process = find(pid_file)
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
            try:
                process.wait(patience)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(patience)
    pid_file.unlink(missing_ok=True)
    return process is not None


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process at a time work on a folder; the others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tail(log: Path, lines: int = 8) -> str:
    """Return the last lines of a log, for the message that says what went wrong."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join("  " + line for line in text.splitlines()[-lines:])


def wait_until_ready(child: Child, ready: Callable[[], bool], log: Path, patience: float) -> None:
    """Wait until `ready()` is true; Trouble names the log when the child ends or `patience` seconds pass before."""
    until = time.monotonic() + patience
    while not ready():
        if not child.alive():
            code = child.process.returncode
            raise Trouble(f"{child.name} did not come up, it ended with status {code}; {log} says:\n{tail(log)}")
        if time.monotonic() > until:
            raise Trouble(f"{child.name} did not come up within {patience:.0f} s; {log} says:\n{tail(log)}")
        time.sleep(0.1)
