"""Ports on this machine, all on the loopback interface."""

import socket

from deploy.local.trouble import Trouble

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def preferred(port: int) -> int:
    """Return `port` where it is free, any free one otherwise."""
    return port if is_free(port) else any_free()


def required(port: int, setting: str) -> int:
    """Return `port`; Trouble where it is taken, naming the setting that chooses another."""
    if not is_free(port):
        raise Trouble(f"port {port} is busy: another program listens on it. Choose another one with {setting}=<port>.")
    return port


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether something listens on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0
