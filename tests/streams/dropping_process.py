"""The intake with a Faust that drops records, as it does now and then while it reads its tables again.

`python -m tests.streams.dropping_process -`: what is dropped is in the environment (`DROPPED`), as JSON:
[[topic, partition, offset], …].
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator

from faust.transport.consumer import Consumer

import streams.intake
from streams.__main__ import main

DROPPED = "DROPPED"


def drop(places: set[tuple[str, int, int]]) -> None:
    """Let Faust's consumer lose these records where it loses them by itself: fetched, and not passed on."""
    whole = Consumer.getmany

    async def getmany(self: Consumer, timeout: float) -> AsyncIterator[object]:
        async for place, message in whole(self, timeout):
            if (place.topic, place.partition, message.offset) not in places:
                yield place, message

    Consumer.getmany = getmany


if __name__ == "__main__":
    drop({(topic, partition, offset) for topic, partition, offset in json.loads(os.environ[DROPPED])})
    streams.intake.LOOK_SECONDS = 0.5
    main()
