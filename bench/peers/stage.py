"""What every contender meets: companies in a simulator, documents on a topic, and books to look in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.documents import KafkaRecord
from bench.place import Place, Simulator, simulator
from ops.simulated_company import credentials_of

CONCURRENCY = 100


@dataclass(frozen=True)
class Work:
    """How much is booked; the share of answers that are cut after the booking took effect."""

    administrations: int = 20
    each: int = 30
    latency_ms: float = 150.0
    cut: float = 0.0

    @property
    def names(self) -> list[str]:
        return [f"peer-{number:02}" for number in range(self.administrations)]

    @property
    def documents(self) -> int:
        return self.administrations * self.each

    def numbers(self) -> Iterator[tuple[str, str]]:
        """Administration and the supplier's number of every document, as they come from many at once."""
        for number in range(self.each):
            for name in self.names:
                yield name, f"F-{number:05}"


@dataclass(frozen=True)
class Entries:
    """What is in the books."""

    booked: Counter[tuple[str, str]]
    moments: tuple[datetime, ...]


class Stage:
    """One simulator with a company for each administration."""

    def __init__(self, place: Place, work: Work, simulated: Simulator) -> None:
        self.place = place
        self.work = work
        self.simulated = simulated
        self.given = {name: credentials_of(simulated.company(name)) for name in work.names}
        self._creditors: dict[str, str] = {}
        self._accounts: dict[str, str] = {}
        self._headers: dict[str, dict[str, str]] = {}

    def open(self) -> None:
        """Tokens, a creditor and an account for each, which no contender has to make."""
        for name, given in self.given.items():
            token = self.simulated.http.post(
                str(given["auth_url"]),
                data={"grant_type": "clientkey", "clientkey": str(given["koppelsleutel"])},
            )
            token.raise_for_status()
            headers = {
                "Authorization": f"Bearer {token.json()['access_token']}",
                "Ocp-Apim-Subscription-Key": str(given["subscription_key"]),
            }
            self._headers[name] = headers
            base = given["base_url"]
            rows = self.simulated.http.get(f"{base}/grootboeken", params={"$top": "500"}, headers=headers)
            rows.raise_for_status()
            self._accounts[name] = next(row["id"] for row in rows.json() if row["nummer"] == 7000)
            made = self.simulated.http.post(
                f"{base}/relaties",
                json={"relatiesoort": ["Leverancier"], "relatiecode": 204, "naam": "Groothandel"},
                headers=headers,
            )
            made.raise_for_status()
            self._creditors[name] = made.json()["id"]

    def publish(self, topic: str) -> None:
        """Every document in the package's own form."""
        self.place.create_topic(topic)
        self.place.publish(
            KafkaRecord(topic, name.encode(), [], json.dumps(self._document(name, number)).encode())
            for name, number in self.work.numbers()
        )

    def settings(self, path: Path, topic: str) -> Path:
        """Where a peer reads what it needs."""
        first = next(iter(self.given.values()))
        values: Mapping[str, object] = {
            "broker": self.place.bootstrap_servers,
            "topic": topic,
            "group": topic,
            "address": f"{first['base_url']}/inkoopboekingen",
            "subscription_key": first["subscription_key"],
            "concurrency": CONCURRENCY,
            **{
                f"token.{name}": headers["Authorization"].removeprefix("Bearer ")
                for name, headers in self._headers.items()
            },
        }
        path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return path

    def strike(self) -> None:
        """From now on that share of the bookings is cut after it took effect."""
        if self.work.cut:
            self.simulated.http.post(
                f"{self.simulated.control}/faults",
                json={"kind": "cut_after", "operation": "inkoopboekingen.POST", "ratio": self.work.cut},
            ).raise_for_status()

    def entries(self) -> Entries:
        """The purchases in the books."""
        answer = self.simulated.http.get(f"{self.simulated.control}/books")
        answer.raise_for_status()
        booked: Counter[tuple[str, str]] = Counter()
        moments: list[datetime] = []
        for company in answer.json()["companies"]:
            for document in company["purchases"]:
                booked[company["name"], document["number"]] += 1
                moments.append(datetime.fromisoformat(document["created_at"]))
        return Entries(booked, tuple(sorted(moments)))

    def _document(self, name: str, number: str) -> Mapping[str, object]:
        account = {"id": self._accounts[name]}
        return {
            "factuurnummer": number,
            "factuurdatum": "2026-03-31T00:00:00",
            "omschrijving": f"{number} materiaal",
            "factuurbedrag": 121.0,
            "leverancier": {"id": self._creditors[name]},
            "boekingsregels": [
                {"omschrijving": "materiaal", "grootboek": account, "bedrag": 100.0, "btwSoort": "Hoog"}
            ],
            "btw": [{"btwSoort": "InkopenHoog", "btwBedrag": 21.0}],
        }


@contextmanager
def staged(place: Place, work: Work) -> Iterator[Stage]:
    """A stage while the block runs."""
    with simulator(work.latency_ms) as simulated:
        stage = Stage(place, work, simulated)
        stage.open()
        yield stage
