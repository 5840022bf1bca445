"""Ports on this machine, all on the loopback interface."""

import random
import socket

from deploy.local.trouble import Trouble

LOOPBACK = "127.0.0.1"

#: Linux gives connections that go out ports from 32768, macOS from 49152: a server that starts some seconds after its
#: port was chosen would find it taken.
NEVER_OUTGOING = range(10_240, 32_000)

#: Ports that were given in this process. Its servers begin seconds later, and others choose meanwhile; so each is held
#: until the process ends, by the datagram socket of the same number, of which there is one.
_held: dict[int, socket.socket] = {}


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
    """Return a port that nobody listens on, and that nobody is given meanwhile: neither by us nor for going out."""
    while not (is_free(port := random.choice(NEVER_OUTGOING)) and _hold(port)):
        pass
    return port


def _hold(port: int) -> bool:
    """Tell whether `port` was to be had, and is ours now."""
    held = socket.socket(type=socket.SOCK_DGRAM)
    try:
        held.bind((LOOPBACK, port))
    except OSError:
        held.close()
        return False
    _held[port] = held
    return True


def preferred(port: int) -> int:
    """Return `port` where it is free and no other process was given it, any free one otherwise."""
    return port if is_free(port) and (port in _held or _hold(port)) else any_free()


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
