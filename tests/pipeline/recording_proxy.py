"""Stands between a worker and a simulator, and notes the headers of every call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

NOT_PASSED_ON = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}


@dataclass
class Recorded:
    """Every call so far: method, path and headers (names in lower case)."""

    url: str
    calls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def headers_of(self, method: str, path: str) -> list[dict[str, str]]:
        return [headers for how, where, headers in self.calls if how == method and where.endswith(path)]


@contextmanager
def recording(target: str) -> Iterator[Recorded]:
    """Pass every call on to `target`, which is an origin without a path."""
    client = httpx.Client(trust_env=False, timeout=30)
    recorded = Recorded("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorded.calls.append((self.command, self.path.partition("?")[0], headers))
            body = self.rfile.read(int(headers.get("content-length", 0)))
            passed = {name: value for name, value in headers.items() if name not in NOT_PASSED_ON}
            answer = client.request(self.command, target + self.path, headers=passed, content=body)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorded.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield recorded
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        client.close()
