"""What a process says about itself over HTTP: `/metrics`, `/healthz`, `/readyz`. From a thread of its own.

`/healthz` is 503 when a part stands still (restart the process), `/readyz` also when the process can do
nothing now (its database is away, it has no partitions yet, it stops). Both name the part.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from telemetry import metrics
from telemetry.progress import Part, Progress

JSON: Final = "application/json"

Answer = tuple[int, str, bytes]
"""Status, content type, body."""


class StatusServer:
    """Serves one process's status until `stop`."""

    def __init__(
        self,
        progress: Progress,
        registries: Callable[[], Sequence[CollectorRegistry]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Port 0 is any free port. Raises `OSError` when the address cannot be had."""
        pages: dict[str, Callable[[], Answer]] = {
            "/metrics": lambda: metrics_answer(progress, registries()),
            "/healthz": lambda: health_answer(progress),
            "/readyz": lambda: ready_answer(progress),
        }
        self._server = ThreadingHTTPServer((host, port), _handler(pages))
        self._server.daemon_threads = True
        self._host = host
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="status", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it is, as seen from this machine."""
        host = "127.0.0.1" if self._host in ("0.0.0.0", "") else self._host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def metrics_answer(progress: Progress, registries: Sequence[CollectorRegistry]) -> Answer:
    """Every metric of these, in Prometheus' text format."""
    still: dict[str, float] = {}
    for part in progress.parts():
        still[part.part] = max(part.seconds, still.get(part.part, 0.0))
    for name, seconds in still.items():
        metrics.STILL_SECONDS.labels(name).set(seconds)
    return 200, CONTENT_TYPE_LATEST, b"".join(generate_latest(registry) for registry in registries)


def health_answer(progress: Progress) -> Answer:
    """Whether every part moves."""
    parts = progress.parts()
    late = [part for part in parts if part.late]
    body = {
        "healthy": not late,
        "stands_still": [_sentence(part) for part in late],
        "parts": [_part(part) for part in parts],
    }
    return _json(not late, body)


def ready_answer(progress: Progress) -> Answer:
    """Whether every part moves and nothing is missing."""
    late, missing = progress.late(), progress.missing()
    body = {
        "ready": not late and not missing,
        "stands_still": [_sentence(part) for part in late],
        "missing": missing,
    }
    return _json(not late and not missing, body)


def _part(part: Part) -> dict[str, object]:
    known = {
        "part": part.part,
        "healthy": not part.late,
        "still_seconds": round(part.seconds, 1),
        "patience_seconds": round(part.patience, 1),
    }
    return known if part.doing is None else {**known, "doing": part.doing}


def _sentence(part: Part) -> str:
    what = part.part if part.doing is None else f"{part.part}: {part.doing}"
    return f"{what} has not moved for {part.seconds:.0f} s (at most {part.patience:.0f} s is normal)"


def _json(good: bool, body: dict[str, object]) -> Answer:
    return 200 if good else 503, JSON, (json.dumps(body, indent=1) + "\n").encode()


def _handler(pages: dict[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "enk-koppeling"
        sys_version = ""
        timeout = 10

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, kind, body = (
                page() if page is not None else (404, "text/plain", b"/metrics, /healthz, /readyz\n")
            )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are not worth a line."""

    return Handler
