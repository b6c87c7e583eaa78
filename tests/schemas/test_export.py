"""The committed contract is what the code says, and events keep it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from schemas.attention import ATTENTION_CHANGED
from schemas.event_kind import TYPE_OF_KIND
from schemas.export import contract_files, export, json_schema
from schemas.payment import PAYMENT_CHANGED
from schemas.posting import POSTING_CHANGED
from schemas.topics import TOPICS
from tests.schemas.builders import Json, administration, invoice, record, relation
from tests.schemas.test_publishing import ATTENTION, PAYMENT, POSTING

CONTRACT = Path(__file__).parents[2] / "docs" / "contract"
TYPES = [*TYPE_OF_KIND.values(), POSTING_CHANGED, PAYMENT_CHANGED, ATTENTION_CHANGED]


def test_the_committed_contract_is_this_releases(tmp_path: Path) -> None:
    export(tmp_path / "new")
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()}
    committed = {name: (CONTRACT / name).read_text("utf-8") for name in written}
    assert committed == written, "run `koppeling schemas export docs/contract`"


def test_no_event_schema_is_left_over() -> None:
    known = {name for name in contract_files() if name.endswith(".v1.schema.json")}
    assert {path.name for path in CONTRACT.glob("*.v1.schema.json")} == known


@pytest.mark.parametrize("event_type", TYPES)
def test_every_schema_is_a_json_schema(event_type: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(event_type))


def valid(event_type: str, data: object) -> bool:
    return bool(jsonschema.Draft202012Validator(json_schema(event_type)).is_valid(data))


@pytest.mark.parametrize(
    "data",
    [
        administration(),
        administration(go_live_date=None),
        relation(),
        invoice(),
        invoice(direction="purchase"),
        invoice(work_period={"from": "2026-01-01", "to": "2026-02-01"}, extensions={"x": [1]}),
    ],
)
def test_what_enk_sends_keeps_its_schema(data: Json) -> None:
    event_type = dict(record(data)[2])["ce_type"].decode()
    assert valid(event_type, data)


@pytest.mark.parametrize(
    "data",
    [
        invoice(revision="1"),
        invoice(colour="red"),
        invoice(totals={"net": 1.5, "vat": "1", "gross": "1"}),
        invoice(issue_date=20260101),
        invoice(kind="credit"),
        relation(roles=[]),
        relation(currency="USD"),
        administration(package="davilex"),
    ],
)
def test_what_breaks_the_shape_breaks_the_schema(data: Json) -> None:
    event_type = dict(record(data)[2])["ce_type"].decode()
    assert not valid(event_type, data)


def test_what_we_publish_keeps_its_schema_and_may_grow() -> None:
    posting = json.loads(POSTING.model_dump_json(exclude_none=True))
    payment = json.loads(PAYMENT.model_dump_json(exclude_none=True))
    assert valid(POSTING_CHANGED, posting | {"added_later": 1})
    assert valid(PAYMENT_CHANGED, payment | {"added_later": 1})
    attention = json.loads(ATTENTION.model_dump_json(exclude_none=True))
    assert valid(ATTENTION_CHANGED, attention | {"added_later": 1})
    assert not valid(ATTENTION_CHANGED, attention | {"status": "maybe"})


def test_the_asyncapi_document_has_every_public_topic_and_resolves() -> None:
    document = yaml.safe_load((CONTRACT / "asyncapi.yaml").read_text("utf-8"))
    assert document["asyncapi"] == "3.0.0"
    channels = document["channels"].values()
    assert {channel["address"] for channel in channels} == {topic.name for topic in TOPICS if topic.public}
    assert all(channel["bindings"]["kafka"]["partitions"] == 48 for channel in channels)
    assert {operation["action"] for operation in document["operations"].values()} == {"send", "receive"}
    references = list(_references(document))
    assert references
    for reference in references:
        if reference.startswith("./"):
            assert (CONTRACT / reference).is_file()
        else:
            here = document
            for step in reference.removeprefix("#/").split("/"):
                here = here[step]
            assert here


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []
