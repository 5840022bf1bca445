"""Become another program that ends when the one which started it ends, and, started by root, runs as somebody else.

Run as a file (`python tether.py <parent pid> <signal> <user or -> <niceness> <folder> <command…>`), so that it needs
neither the project nor the virtual environment on its path. Between fork and exec in the parent itself none of this
would be safe, because the parent has threads.
"""

import errno
import os
import pwd
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
AUTOGROUP = "/proc/self/autogroup"
ATTEMPTS = 200  # in ten seconds; niceness by itself is no reason not to start


def end_with(parent: int, death_signal: int) -> None:
    """Get `death_signal` when our parent ends; exit where it has ended already."""
    if sys.platform == "linux":  # elsewhere the next start finds what was left over by its pid file
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            sys.exit("the program that started this one has already ended")


def stand_back(niceness: int) -> None:
    """Be so nice; call it in a session of its own, among which Linux may share the cores before niceness counts."""
    if not niceness:
        return
    os.nice(niceness)
    for _ in range(ATTEMPTS):
        try:
            with open(AUTOGROUP, "w") as group:
                group.write(str(niceness))
            return
        except OSError as problem:
            if problem.errno != errno.EAGAIN:  # one in a tenth of a second, of all that are not root
                return  # the kernel groups nothing, or lets nobody say
            time.sleep(0.05)


def main() -> None:
    parent, death_signal, user, niceness, folder, *command = sys.argv[1:]
    if sys.platform == "linux":
        import ctypes  # now: the other user may not be able to read it

        ctypes.CDLL(None)
    stand_back(int(niceness))
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ["HOME"] = folder
    os.chdir(folder)
    end_with(int(parent), int(death_signal))  # after the change of user, which would undo it
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
