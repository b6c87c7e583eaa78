"""The HTTP address of a process, when the settings ask for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from ops.commands.troubles import Trouble
from telemetry import metrics
from telemetry.progress import Progress
from telemetry.status_server import StatusServer

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ops.settings import Settings


@contextmanager
def serving(
    settings: Settings, progress: Progress, looking: Callable[[], bool] = lambda: False
) -> Iterator[str | None]:
    """Serve metrics and health for the length of a block; its URL, or None when nothing is served.

    `looking` says whether the gauges of the whole installation are this process's to publish.

    Raises:
        Trouble: the address cannot be listened on.
    """
    http = settings.http
    if http.port is None:
        yield None
        return

    def registries() -> list[CollectorRegistry]:
        return [metrics.OWN, metrics.STANDING] if looking() else [metrics.OWN]

    try:
        server = StatusServer(progress, registries, host=http.host, port=http.port)
    except OSError as error:
        raise Trouble(
            f"Nothing can be served on {http.host}:{http.port}: {error.strerror}. Choose another HTTP__PORT "
            "(0 takes a free one) or HTTP__HOST."
        ) from error
    server.start()
    log.info("status.serving", url=server.url)
    try:
        yield server.url
    finally:
        server.stop()
