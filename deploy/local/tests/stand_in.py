"""A stand-in for a service's process: says it is ready on its port, or ends at once where it is told to."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


port, crash = int(sys.argv[1]), sys.argv[2]
if crash:
    sys.exit(crash)
HTTPServer(("127.0.0.1", port), Ready).serve_forever()
