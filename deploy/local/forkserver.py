"""Programs as forks of one process that has imported them all: a dozen start in little more than the time of one.

`ForkServer` starts that process (`python -m deploy.local.forkserver <socket> <module…>`) and asks it for forks: a line
of JSON a question, a line an answer. When nobody can ask any more, it ends its forks and itself. The fork server of the
standard library cannot be ended before us, and loads our own main module in each of its forks.
"""

import asyncio
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from io import BufferedRWPair
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import psutil
from setproctitle import setproctitle

from deploy.local import process, tether
from deploy.local.paths import ROOT
from deploy.local.process import Child
from deploy.local.trouble import Trouble


@dataclass
class Program:
    """What a fork becomes; its output is appended to `log`. `place`: the cores that it keeps to, or all."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: str
    niceness: int = 0
    place: Sequence[int] = ()

    def become(self, server: int) -> None:
        """Do what `python -m <module> <arguments…>` would do from here on."""
        os.setsid()
        tether.stand_back(self.niceness)
        if self.place:
            with contextlib.suppress(OSError):  # where that is forbidden it runs all the same
                os.sched_setaffinity(0, self.place)
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        for number in (1, 2):
            os.dup2(output, number)
        os.close(output)
        tether.end_with(server, signal.SIGTERM)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv = [self.module, *self.arguments]
        setproctitle(" ".join(("python -m", *sys.argv)))
        sys.modules.pop(self.module, None)  # imported it was a module, now it is the program
        runpy.run_module(self.module, run_name="__main__", alter_sys=True)


class ServerGone(Trouble):
    """The fork server has ended, and with it its forks."""

    def __init__(self) -> None:
        super().__init__("the fork server has ended")


class Forked:
    """To a fork what `subprocess.Popen` is to a program."""

    def __init__(self, pid: int, server: "ForkServer") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        """Return the status it has ended with, None where it runs."""
        if self.returncode is None and not runs(self.pid):  # asked only then: an idle platform wakes up no server
            try:
                self.returncode = self._server.ask({"pid": self.pid})
            except ServerGone:  # which has sent it this signal, and can no longer say whether that was what ended it
                self.returncode = -signal.SIGTERM
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its status once it has ended; subprocess.TimeoutExpired after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(0.02)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def runs(pid: int) -> bool:
    """Tell whether a process that is not our own child has not yet ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class ForkServer:
    """One process that has imported `modules`, and starts forks of itself; started anew where it was killed."""

    def __init__(self, modules: Sequence[str], *, log: Path, pid_file: Path) -> None:
        self._modules, self._log, self._pid_file = modules, log, pid_file
        self._launch()

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = process.launch(
                "fork server",
                [sys.executable, "-u", "-m", "deploy.local.forkserver", str(theirs.fileno()), *self._modules],
                log=self._log,
                pid_file=self._pid_file,
                folder=ROOT,
                environment=os.environ | {"PYTHONPATH": str(ROOT)},
                pass_fds=(theirs.fileno(),),
            )
        self._socket, self._answers = ours, ours.makefile("rb")
        self._imported = False

    async def ready(self) -> None:
        """Wait until it has imported everything. Raises Trouble where that fails."""
        while not self._imported and not select.select([self._socket], [], [], 0)[0]:
            await asyncio.sleep(0.05)
        try:
            self._await_import()
        except ServerGone:
            raise Trouble(f"the fork server did not come up; {self._log} says:\n{process.tail(self._log)}") from None

    def start(
        self,
        name: str,
        module: str,
        *arguments: str,
        log: Path,
        pid_file: Path,
        environment: Mapping[str, str],
        niceness: int = 0,
        place: Sequence[int] = (),
    ) -> Child:
        """Start `module` as a program that serves until it is told to end, as `process.launch` would."""
        log.parent.mkdir(parents=True, exist_ok=True)
        program = Program(module, arguments, environment, str(log), niceness, place)
        try:
            forked = self._fork(program)
        except ServerGone:
            self.stop()
            self._launch()
            forked = self._fork(program)
        process.note(pid_file, name, forked.pid)
        return Child(name, forked, pid_file, signal.SIGTERM)

    async def run(self, module: str, *arguments: str, settings: Mapping[str, str]) -> tuple[int, str]:
        """Run `module` to its end; return its status and all that it printed. Raises Trouble."""
        await self.ready()
        with NamedTemporaryFile() as said:
            forked = self._fork(Program(module, arguments, settings, said.name))
            try:
                while (status := forked.poll()) is None:
                    await asyncio.sleep(0.02)
            finally:
                forked.kill()
            return status, said.read().decode(errors="replace").strip()

    def stop(self) -> None:
        """End it; what it has started ends with it."""
        self._answers.close()
        self._socket.close()
        self._child.stop()

    def _fork(self, program: Program) -> Forked:
        return Forked(self.ask(asdict(program)), self)

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Return the server's answer. Raises ServerGone."""
        self._await_import()
        try:
            self._socket.sendall(json.dumps(question).encode() + b"\n")
        except OSError:
            raise ServerGone from None
        return self._answer()

    def _await_import(self) -> None:
        if not self._imported:
            self._answer()
            self._imported = True

    def _answer(self) -> Any:
        try:
            line = self._answers.readline()
        except (OSError, ValueError):
            line = b""
        if not line:
            raise ServerGone
        return json.loads(line)


def serve(stream: BufferedRWPair) -> Program | None:
    """Fork whenever asked to: returns a program in a fork, None in the server itself when nobody asks any more."""
    living = set[int]()
    stream.write(b"null\n")  # everything is imported
    stream.flush()
    for line in stream:
        question = json.loads(line)
        if "module" in question:
            pid = os.fork()
            if pid == 0:
                return Program(**question)
            living.add(pid)
            answer: int | None = pid
        else:
            ended, status = os.waitpid(question["pid"], os.WNOHANG)
            living.discard(ended)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        stream.write(json.dumps(answer).encode() + b"\n")
        stream.flush()
    for pid in living:
        os.kill(pid, signal.SIGTERM)
    return None


def main() -> None:
    number, *modules = sys.argv[1:]
    server = os.getpid()
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()  # or the first collection of each fork would touch, and so copy, all that they share
    with socket.socket(fileno=int(number)) as connection, connection.makefile("rwb") as stream:
        program = serve(stream)
    if program is not None:
        program.become(server)


if __name__ == "__main__":
    main()
