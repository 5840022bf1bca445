"""The limit of a gateway: nginx, one worker, that serves bytes as a file and forwards over kept connections.

It is started with a configuration of its own in a folder that is given; the system's nginx is neither read nor touched.
"""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tools import path_of
from deploy.local import ports, process

CONFIGURATION = """
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=16;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/temp-body;
    proxy_temp_path {folder}/temp-proxy;
    fastcgi_temp_path {folder}/temp-fastcgi;
    uwsgi_temp_path {folder}/temp-uwsgi;
    scgi_temp_path {folder}/temp-scgi;
    upstream service {{
        server {service};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {address};
        location = /static {{
            alias {file};
            default_type application/json;
        }}
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


@contextmanager
def running(folder: Path, file: Path, service: str) -> Iterator[str]:
    """Give the address of an nginx: `/static` is the file, all else is forwarded to `service` (host:port)."""
    port = ports.any_free()
    address = f"{ports.LOOPBACK}:{port}"
    configuration = folder / "nginx.conf"
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # as whom everything else here runs
    configuration.write_text(
        CONFIGURATION.format(user=user, folder=folder, service=service, address=address, file=file)
    )
    log = folder / "nginx.log"
    child = process.launch(
        "nginx",
        [path_of("nginx") or "nginx", "-c", configuration, "-p", folder, "-g", "daemon off;"],
        log=log,
        pid_file=folder / "nginx-child.pid",
        folder=folder,
    )
    try:
        process.wait_until_ready(child, lambda: ports.accepts(port), log, patience=30)
        yield f"http://{address}"
    finally:
        child.stop()
