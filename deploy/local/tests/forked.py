"""A program for forks: does what its first argument says."""

import json
import os
import random
import secrets
import signal
import sys
import time

from shared.kernel.ids import new_id

if __name__ == "__main__":
    match sys.argv[1]:
        case "tell":
            print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ), "pid": os.getpid()}))
        case "draw":
            print(new_id()[19:], secrets.token_hex(), random.random())
        case "fail":
            raise RuntimeError("on purpose")
        case "serve":
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
            print("serving", flush=True)
            time.sleep(600)
