"""FastStream on confluent-kafka: a subscriber that acknowledges what it has booked."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

import httpx

from bench.peers.programs.booking import book_later, settings

# From the environment that the command makes for the peers.
faststream: Any = importlib.import_module("faststream")
confluent: Any = importlib.import_module("faststream.confluent")
annotations: Any = importlib.import_module("faststream.confluent.annotations")


async def main() -> None:
    given = settings(sys.argv[1])
    broker = confluent.KafkaBroker(
        given["broker"], config={"session.timeout.ms": 6_000, "heartbeat.interval.ms": 2_000}
    )
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:

        async def handle(body: Any, message: Any) -> None:
            raw = message.raw_message
            await book_later(client, given, raw.key().decode(), raw.value())

        handle.__annotations__ = {"body": dict, "message": annotations.KafkaMessage, "return": None}
        broker.subscriber(
            given["topic"],
            group_id=given["group"],
            auto_offset_reset="earliest",
            ack_policy=faststream.AckPolicy.NACK_ON_ERROR,
        )(handle)
        await faststream.FastStream(broker).run()


if __name__ == "__main__":
    asyncio.run(main())
