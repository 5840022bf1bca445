"""The health check of an image: /readyz of the one role that it runs. Raw sockets: it runs often and starts at once."""

import socket
import sys

PORT = 8000  # of whichever role, see the Dockerfile

with socket.create_connection(("127.0.0.1", PORT), timeout=8) as connection:
    connection.settimeout(8)
    connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    answer = b""
    while len(answer) < 4_096 and (more := connection.recv(4_096)):
        answer += more
print(answer.partition(b"\r\n\r\n")[2].decode(errors="replace"))
sys.exit(answer.split(b" ", 2)[1:2] != [b"200"])
