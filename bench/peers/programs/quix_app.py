"""quix-streams: a streaming dataframe whose last step books."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import httpx

from bench.peers.programs.booking import book, settings

# From the environment that the command makes for the peers.
quixstreams: Any = importlib.import_module("quixstreams")


def main() -> None:
    given = settings(sys.argv[1])
    client = httpx.Client(timeout=30, trust_env=False)
    app = quixstreams.Application(
        broker_address=given["broker"],
        consumer_group=given["group"],
        auto_offset_reset="earliest",
        consumer_extra_config={"session.timeout.ms": 6_000, "heartbeat.interval.ms": 2_000},
        loglevel="ERROR",
    )

    def step(document: bytes, key: Any, timestamp: int, headers: Any) -> None:
        book(client, given, key.decode() if isinstance(key, bytes) else key, document)

    topic = app.topic(given["topic"], value_deserializer="bytes", key_deserializer="bytes")
    app.dataframe(topic).update(step, metadata=True)
    app.run()


if __name__ == "__main__":
    main()
