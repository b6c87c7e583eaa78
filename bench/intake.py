"""Intake's speed: our events/s as a share of what a bare Faust agent forwards, on one broker in one run.

`python -m bench.intake [--events N] [--rounds N] [--json] [--bootstrap HOST:PORT]`

Each agent runs in a process of its own over the same invoices; the clock runs from a tenth of them to the
last, so starting up is not in it. Rounds alternate, and the best of each counts: what else the machine does
can only make a round slower.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from ops.embedded.kafka_node import KafkaNode
from schemas.topics import ENK_INVOICES, PARTITIONS, TOPICS
from tests.schemas import builders

GOAL = 0.6
ADMINISTRATIONS = 200
BARE_TARGET = "bench.forwarded.v1"
GIVE_UP_SECONDS = 300.0


@dataclass(frozen=True)
class Result:
    """Events per second of both, and what the one is of the other."""

    events: int
    bare_agent: float
    intake: float
    ratio: float
    goal: float = GOAL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bootstrap", help="a broker without our topics; default: an embedded one")
    arguments = parser.parse_args()
    with _broker(arguments.bootstrap) as bootstrap:
        result = measure(bootstrap, arguments.events, arguments.rounds)
    if arguments.json:
        print(json.dumps(asdict(result)))
    else:
        print(f"intake, {result.events} invoices over {ADMINISTRATIONS} administrations")
        print(f"  bare agent  {result.bare_agent:8.0f} events/s")
        print(f"  our intake  {result.intake:8.0f} events/s")
        print(f"  ratio       {result.ratio:8.2f}  (goal ≥ {result.goal})")


def measure(bootstrap: str, events: int, rounds: int = 2) -> Result:
    """Publish the events once and let both agents read them `rounds` times."""
    names = [topic.name for topic in TOPICS]
    _create([*names, BARE_TARGET], bootstrap)
    outputs = [name for name in names if name.startswith("koppeling.")]
    _publish(bootstrap, [builders.record(_administration(index)) for index in range(ADMINISTRATIONS)])
    _publish(bootstrap, (builders.record(_invoice(index)) for index in range(events)))
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            group = f"bench-{uuid.uuid4().hex[:8]}"
            config = Path(folder) / f"{group}.json"
            config.write_text(
                json.dumps({"bootstrap_servers": [bootstrap], "data_dir": folder, "app_id": f"{group}-ours"})
            )
            # Every round reads all from the start, under a group of its own.
            bare.append(
                _rate(
                    bootstrap,
                    ["bench.bare_agent", bootstrap, ENK_INVOICES, BARE_TARGET, group, folder],
                    [BARE_TARGET],
                    events,
                )
            )
            ours.append(_rate(bootstrap, ["streams", str(config)], outputs, events + ADMINISTRATIONS))
    return Result(events, max(bare), max(ours), max(ours) / max(bare))


def _rate(bootstrap: str, module: Sequence[str], outputs: Sequence[str], expected: int) -> float:
    """Events per second that a process adds to its output topics, from a tenth of them to the last."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    partitions = [TopicPartition(topic, number) for topic in outputs for number in range(PARTITIONS)]
    try:
        before = sum(consumer.end_offsets(partitions).values())
        process = subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + GIVE_UP_SECONDS
        first: tuple[int, float] | None = None
        try:
            while time.monotonic() < deadline and process.poll() is None:
                done, now = sum(consumer.end_offsets(partitions).values()) - before, time.monotonic()
                if first is None and done >= expected / 10:
                    first = done, now
                if first is not None and done >= expected:
                    return (done - first[0]) / (now - first[1])
                time.sleep(0.02)
            raise RuntimeError(f"{module[0]} did not forward {expected} records")
        finally:
            process.terminate()
            process.wait(60)
    finally:
        consumer.close()


def _administration(index: int) -> builders.Json:
    package = ("snelstart", "king", "exact_online", "afas")[index % 4]
    return builders.administration(id=f"adm-{index:04}", package=package)


def _invoice(index: int) -> builders.Json:
    lines = [
        builders.line("1250.00", "hoog", "21", "1"),
        builders.line("310.40", "laag", "9", "2"),
        builders.line(
            "99.95", "hoog", "21", "3", description="Loodgieterswerk badkamer, arbeid en klein materiaal"
        ),
    ]
    return builders.invoice(
        lines, administration=f"adm-{index % ADMINISTRATIONS:04}", id=f"inv-{index}", number=f"2026{index:06}"
    )


def _publish(bootstrap: str, records: Iterator[builders.BuiltRecord] | list[builders.BuiltRecord]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    for topic, key, headers, value in records:
        producer.send(topic, key=key, headers=headers, value=value)
    producer.flush()
    producer.close()


def _create(names: Sequence[str], bootstrap: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({name: {"num_partitions": PARTITIONS, "replication_factor": 1} for name in names})
    admin.close()


@contextmanager
def _broker(bootstrap: str | None) -> Iterator[str]:
    if bootstrap:
        yield bootstrap
        return
    with tempfile.TemporaryDirectory() as folder, KafkaNode(Path(folder)) as node:
        yield node.bootstrap_servers


if __name__ == "__main__":
    main()
