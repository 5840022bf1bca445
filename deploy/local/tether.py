"""Become another program that ends when the one which started it ends, and, started by root, runs as somebody else.

Run as a file (`python tether.py <parent pid> <signal> <user or -> <folder> <command…>`), so that it needs neither the
project nor the virtual environment on its path. Between fork and exec in the parent itself none of this would be safe,
because the parent has threads.
"""

import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, user, folder, *command = sys.argv[1:]
    library = None
    if sys.platform == "linux":  # elsewhere the next start finds what was left over by its pid file
        import ctypes  # now: the other user may not be able to read it

        library = ctypes.CDLL(None)
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ["HOME"] = folder
    os.chdir(folder)
    if library is not None:
        library.prctl(PR_SET_PDEATHSIG, int(death_signal))  # after the change of user, which would undo it
        if os.getppid() != int(parent):
            sys.exit("the program that started this one has already ended")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(command[0], command)


main()
