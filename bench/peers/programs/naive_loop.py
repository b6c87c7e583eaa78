"""The loop that anybody writes first: kafka-python and httpx, one after another, a commit each hundred."""

from __future__ import annotations

import sys

import httpx
from kafka import KafkaConsumer

from bench.peers.programs.booking import book, settings

COMMIT_EVERY = 100


def main() -> None:
    given = settings(sys.argv[1])
    consumer = KafkaConsumer(
        given["topic"],
        bootstrap_servers=given["broker"],
        group_id=given["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=2_000,
    )
    done = 0
    with httpx.Client(timeout=30, trust_env=False) as client:
        while True:
            for records in consumer.poll(timeout_ms=500, max_records=COMMIT_EVERY).values():
                for record in records:
                    book(client, given, record.key.decode(), record.value)
                    done += 1
            if done:
                consumer.commit()
                done = 0


if __name__ == "__main__":
    main()
