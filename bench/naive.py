"""The measure of delivery: the loop that anybody would write first, with the same calls and no guarantees.

Reads invoices with kafka-python and books each in SnelStart with one plain httpx client, one by one,
committing every hundred. No ledger: what it loses or books twice, nobody knows. Tokens, lists of accounts
and relations are made before the clock starts, as they are for us. `python -m bench.naive` reads a
`NaiveSpec` as JSON from standard input and prints a `NaiveResult`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

import httpx
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

COMMIT_EVERY = 100
SOORT = {"21": "Hoog", "9": "Laag"}
VERKOPEN = {"21": "VerkopenHoog", "9": "VerkopenLaag"}
ACCOUNTS = {"21": 8000, "9": 8010}


@dataclass(frozen=True)
class NaiveSpec:
    """`companies` are credentials by administration; the topic holds only `documents` invoices."""

    bootstrap_servers: str
    topic: str
    group: str
    documents: int
    companies: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class NaiveResult:
    """Seconds on the clock and of processor for all documents."""

    documents: int
    seconds: float
    cpu_seconds: float


def run(spec: NaiveSpec) -> NaiveResult:
    """Run the loop in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.naive"],
        input=json.dumps(asdict(spec)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return NaiveResult(**json.loads(done.stdout))


class _Company:
    """One administration's token, accounts and relation."""

    def __init__(self, client: httpx.Client, name: str, credentials: Mapping[str, str]) -> None:
        self._client = client
        self._base = credentials["base_url"]
        token = client.post(
            credentials["auth_url"],
            data={"grant_type": "clientkey", "clientkey": credentials["koppelsleutel"]},
        )
        token.raise_for_status()
        self._headers = {
            "Authorization": f"Bearer {token.json()['access_token']}",
            "Ocp-Apim-Subscription-Key": credentials["subscription_key"],
            "Content-Type": "application/json; charset=utf-8",
        }
        rows = client.get(f"{self._base}/grootboeken", params={"$top": "500"}, headers=self._headers)
        rows.raise_for_status()
        self._accounts = {row["nummer"]: row["id"] for row in rows.json()}
        relation = {"relatiesoort": ["Klant"], "relatiecode": 204, "naam": f"Bouwbedrijf {name}"}
        self._relation = self._post("/relaties", relation)

    def book(self, invoice: Mapping[str, object]) -> None:
        lines = invoice["lines"]
        rows = invoice["vat_breakdown"]
        totals = invoice["totals"]
        assert isinstance(lines, list)
        assert isinstance(rows, list)
        assert isinstance(totals, dict)
        self._post(
            "/verkoopboekingen",
            {
                "factuurnummer": invoice["number"],
                "factuurdatum": f"{invoice['issue_date']}T00:00:00",
                "omschrijving": f"{invoice['number']} {invoice['description']}",
                "factuurbedrag": float(Decimal(totals["gross"])),
                "betalingstermijn": 30,
                "klant": {"id": self._relation},
                "boekingsregels": [
                    {
                        "omschrijving": line["description"],
                        "grootboek": {"id": self._accounts[ACCOUNTS[line["vat"]["rate"]]]},
                        "bedrag": float(Decimal(line["net_amount"])),
                        "btwSoort": SOORT[line["vat"]["rate"]],
                    }
                    for line in lines
                ],
                "btw": [
                    {"btwSoort": VERKOPEN[row["rate"]], "btwBedrag": float(Decimal(row["tax_amount"]))}
                    for row in rows
                ],
            },
        )

    def _post(self, path: str, document: Mapping[str, object]) -> str:
        answer = self._client.post(f"{self._base}{path}", json=document, headers=self._headers)
        if not answer.is_success:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        return str(answer.json()["id"])


def loop(spec: NaiveSpec) -> NaiveResult:
    """The loop itself."""
    consumer = KafkaConsumer(
        bootstrap_servers=spec.bootstrap_servers, group_id=spec.group, enable_auto_commit=False
    )
    consumer.assign(
        [TopicPartition(spec.topic, number) for number in consumer.partitions_for_topic(spec.topic)]
    )
    consumer.seek_to_beginning()
    with httpx.Client(timeout=30, trust_env=False) as client:
        companies = {name: _Company(client, name, given) for name, given in spec.companies.items()}
        began, used = time.monotonic(), time.process_time()
        done = 0
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        for message in consumer:
            invoice = json.loads(message.value)
            companies[invoice["administration"]].book(invoice)
            offsets[TopicPartition(message.topic, message.partition)] = OffsetAndMetadata(
                message.offset + 1, "", -1
            )
            done += 1
            if done % COMMIT_EVERY == 0 or done == spec.documents:
                consumer.commit(offsets)
            if done == spec.documents:
                break
        result = NaiveResult(done, time.monotonic() - began, time.process_time() - used)
    consumer.close()
    return result


if __name__ == "__main__":
    print(json.dumps(asdict(loop(NaiveSpec(**json.load(sys.stdin))))), flush=True)
    # Threads of the consumer may outlive it; nothing is left to do for them.
    os._exit(0)
