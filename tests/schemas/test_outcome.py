"""The table of reasons is complete, and its sentences are fit to be read."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from schemas.catalogue import CATALOGUE
from schemas.outcome import RULES, Code, Outcome, Package, RetryClass, WhoActs, parse_code, reason
from schemas.topics import (
    ATTENTION,
    ENK_ADMINISTRATIONS,
    HOLDING,
    INTAKE_DLQ,
    POSTINGS_DLQ,
    TOPICS,
    Cleanup,
    sink_topic,
)

CODES = [
    "auth_expired",
    "auth_revoked",
    "rate_limited",
    "unavailable",
    "timeout_uncertain",
    "not_found_relation",
    "not_found_ledger_account",
    "not_found_journal",
    "not_found_vat",
    "not_found_cost_centre",
    "not_found_project",
    "blocked_ledger_account",
    "blocked_relation",
    "period_closed",
    "year_missing",
    "duplicate_number",
    "unbalanced",
    "vat_mismatch",
    "required_field",
    "too_long",
    "bad_format",
    "currency_unsupported",
    "module_missing",
    "desktop_locked",
    "mapping_missing",
    "unknown_administration",
    "wrong_company",
    "invalid_event",
    "schema_ahead",
    "changed_after_booking",
    "before_go_live",
    "number_range_full",
    "relay_offline",
    "administration_inactive",
    "held_by_operator",
    "recovery",
    "waiting_for_invoice",
    "unsupported_by_package",
    "internal",
]


def test_the_list_of_codes_is_closed_and_every_code_has_its_rule() -> None:
    assert [code.value for code in Code] == CODES
    assert set(RULES) == set(Code)
    assert all(code.name == code.value.upper() for code in Code)


@pytest.mark.parametrize("code", Code)
def test_a_sentence_without_values_is_whole(code: Code) -> None:
    bare = reason(code)
    for sentence in (bare.nl, bare.en):
        assert not re.search(r"[\[\]{}]|None|  | [.,:;]|\(\)", sentence)
        assert sentence.endswith(".")
        assert sentence[0].isupper()
    assert bare.who_acts is RULES[code].who_acts


@pytest.mark.parametrize("code", Code)
def test_every_value_that_a_sentence_names_appears_in_it(code: Code) -> None:
    rule = RULES[code]
    names = set(re.findall(r"\{(\w+)\}", rule.nl))
    assert names == set(re.findall(r"\{(\w+)\}", rule.en))
    values = {name: f"<{name}>" for name in names - {"field", "vendor_message"}}
    full = reason(code, field="$.f", vendor_message="zei [hij] {x}", who_acts=None, **values)
    for name, value in values.items():
        assert value in full.nl, name
        assert value in full.en, name
    assert ("$.f" in full.nl) == ("field" in names)
    assert full.vendor_message == "zei [hij] {x}"


def test_values_are_written_as_people_write_them() -> None:
    written = reason(Code.BEFORE_GO_LIVE, number="007", date=date(2026, 1, 31), go_live_date=None)
    assert "007 van 31-01-2026" in written.nl
    assert "007 of 2026-01-31" in written.en
    assert "12,5%" in reason(Code.NOT_FOUND_VAT, rate=Decimal("12.5")).nl
    assert "Exact Online" in reason(Code.UNAVAILABLE, package=Package.EXACT_ONLINE).nl


def test_problem_is_said_in_each_language() -> None:
    both = reason(Code.INVALID_EVENT, problem_nl="kapot", problem_en="broken")
    assert "kapot" in both.nl
    assert "kapot" not in both.en
    assert "broken" in both.en


def test_hostile_values_stay_text() -> None:
    made = reason(Code.INTERNAL, vendor_message="a\x00\ud800" + "x" * 20_000, problem="l1\nl2\x1b")
    for text in (made.nl, made.en, made.vendor_message or ""):
        text.encode()
        assert "\x00" not in text
        assert len(text) <= 10_000
    assert "\n" not in made.nl


def test_who_acts_can_be_said() -> None:
    assert reason(Code.INTERNAL, who_acts=WhoActs.VENDOR).who_acts is WhoActs.VENDOR
    assert {rule.who_acts for rule in RULES.values()} == set(WhoActs)
    assert {rule.retry for rule in RULES.values()} == set(RetryClass)


def test_an_unknown_code_is_internal() -> None:
    assert parse_code("period_closed") is Code.PERIOD_CLOSED
    assert parse_code("from_the_future") is Code.INTERNAL


def test_outcomes() -> None:
    assert {outcome for outcome in Outcome if outcome.is_good} == {
        Outcome.BOOKED,
        Outcome.ALREADY_BOOKED,
        Outcome.ADOPTED,
        Outcome.FILED,
    }
    assert Outcome.SUPERSEDED.is_final
    assert not Outcome.HELD.is_final
    assert Outcome.REJECTED.needs_somebody


def test_the_catalogue_is_enks_table() -> None:
    assert [row.package for row in CATALOGUE] == list(Package)
    table = [(row.boekhoudpakket, row.type_koppeling, row.teruglezen, row.extra_module) for row in CATALOGUE]
    assert table == [
        ("Snelstart", "Rechtstreeks", "wel mogelijk", "Gateway module"),
        ("Exact Online", "Rechtstreeks", "wel mogelijk", "n.v.t."),
        ("Twinfield", "Rechtstreeks", "wel mogelijk", "n.v.t."),
        ("Accountview Offline", "Rechtstreeks", "wel mogelijk", "COM koppeling"),
        ("Multivers Offline", "Rechtstreeks", "wel mogelijk", "Business connector"),
        ("Multivers Online", "Rechtstreeks", "wel mogelijk", "n.v.t."),
        ("Muis Software", "Bestand", "niet mogelijk", "n.v.t."),
        ("King", "Bestand", "niet mogelijk", "n.v.t."),
        ("AFAS", "Bestand", "niet mogelijk", "n.v.t."),
        ("Cash", "Bestand", "niet mogelijk", "n.v.t."),
        ("Minox", "Bestand", "niet mogelijk", "module import CSV"),
        ("Asperion", "Bestand", "niet mogelijk", "module import CSV"),
        ("Exact Globe", "Bestand", "niet mogelijk", "Financieel import"),
    ]
    assert {row.package for row in CATALOGUE if row.built} == {Package.SNELSTART, Package.KING}
    assert all(row.package.label == row.boekhoudpakket for row in CATALOGUE)


def test_topics() -> None:
    names = [topic.name for topic in TOPICS]
    assert len(names) == len(set(names))
    assert {HOLDING, INTAKE_DLQ, POSTINGS_DLQ, ATTENTION} <= set(names)
    assert {sink_topic(package) for package in Package} <= set(names)
    assert {topic.name for topic in TOPICS if topic.cleanup is Cleanup.COMPACT} == {ENK_ADMINISTRATIONS}
    assert all(topic.partitions == 48 for topic in TOPICS)
