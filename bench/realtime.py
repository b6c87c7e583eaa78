"""Near-real-time: from ENK's `ce_time` to booked, through intake, ledger and package, at a light load."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.delays import part
from bench.documents import administration, invoice, published, relation
from bench.place import Place, Simulator, simulator, until
from bench.worker_process import WorkerSpec, workers

_BOOKED = "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND kind = %s AND state = 'booked'"


@dataclass(frozen=True)
class Light:
    """How few documents come in."""

    name: str = "light"
    administrations: int = 20
    per_second: float = 5.0
    seconds: float = 20.0
    latency_ms: float = 150.0


@dataclass(frozen=True)
class Delays:
    """Milliseconds from `ce_time` to booked, and those of the package's own calls that book."""

    documents: int
    per_second: float
    latency_ms: float
    p50_ms: float
    p95_ms: float
    package_p50_ms: float
    package_p95_ms: float


def measure(place: Place, light: Light) -> Delays:
    """Publish as ENK does, at a steady pace, and look up afterwards when each was booked."""
    names = [f"{light.name}-{number:02}" for number in range(light.administrations)]
    count = int(light.per_second * light.seconds)
    with simulator(light.latency_ms) as simulated, _intake(place):
        place.connect(simulated, names)
        spec = WorkerSpec(place.database_url, place.bootstrap_servers, place.vault_key)
        with workers([spec], str(place.folder / "workers.log")):
            place.publish(published(administration(name)) for name in names)
            place.publish(published(relation(name)) for name in names)
            until(lambda: place.one(_BOOKED, names, "relation") == len(names), "the relations are written")
            began = time.monotonic()
            for number in range(count):
                # The pace is the load; a publisher that was kept waiting catches up.
                time.sleep(max(0.0, began + number / light.per_second - time.monotonic()))
                place.publish([published(invoice(names[number % len(names)], number))])
            until(
                lambda: place.one(_BOOKED, names, "sales_invoice") == count, "everything is booked", every=0.5
            )
        place.disconnect(names)
        rows = place.ledger.execute(
            "SELECT extract(epoch FROM changed_at - event_time) FROM posting"
            " WHERE administration_id = ANY(%s) AND kind = 'sales_invoice'",
            (names,),
        ).fetchall()
        calls = _calls(simulated)
    delays = [float(row[0]) * 1000 for row in rows]
    return Delays(
        documents=len(delays),
        per_second=light.per_second,
        latency_ms=light.latency_ms,
        p50_ms=part(delays, 50),
        p95_ms=part(delays, 95),
        package_p50_ms=part(calls, 50),
        package_p95_ms=part(calls, 95),
    )


def _calls(simulated: Simulator) -> list[float]:
    answer = simulated.http.get(f"{simulated.control}/log", params={"operation": "verkoopboekingen.POST"})
    answer.raise_for_status()
    return [float(call["duration_ms"]) for call in answer.json()["calls"]]


@contextmanager
def _intake(place: Place) -> Iterator[None]:
    """The Faust process."""
    config = place.folder / "streams.json"
    config.write_text(
        json.dumps({"bootstrap_servers": [place.bootstrap_servers], "data_dir": str(place.folder)})
    )
    with (place.folder / "streams.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams", str(config)], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the intake did not start")
        yield
    finally:
        process.terminate()
        process.wait(60)
