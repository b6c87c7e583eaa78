"""Dashboard and alert rules name metrics that exist, and every alert has a runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from telemetry import metrics

ROOT = Path(__file__).parents[2]
RULES_FILE = ROOT / "deploy/prometheus/rules.yml"
DASHBOARD_FILE = ROOT / "deploy/grafana/koppeling.json"
RUNBOOKS = ROOT / "docs/runbooks"

GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES_FILE.read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads(DASHBOARD_FILE.read_text())

OURS = re.compile(r"\bkoppeling_[a-z_]+")
LABEL_USE = re.compile(r"(koppeling_[a-z_]+)\{([^}]*)\}")
PAGES = {
    "KoppelingRecordsNotReceived",
    "KoppelingDueWithoutCompletions",
    "KoppelingPackageStopped",
    "KoppelingOutboxNotPublished",
    "KoppelingWriteAfterFencing",
    "KoppelingDoubleBooking",
    "KoppelingNobodyLooks",
}
"""Who wants to page for something else has to say so here: one administration never pages."""


def exposed(metric: MetricWrapperBase) -> set[str]:
    """The names that a metric has in what is scraped."""
    if isinstance(metric, Counter):
        return {f"{metric._name}_total"}
    if isinstance(metric, Histogram):
        return {f"{metric._name}_{end}" for end in ("bucket", "sum", "count")}
    return {metric._name}


METRICS = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
LABELS = {name: set(metric._labelnames) for metric in METRICS for name in exposed(metric)}


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def names(text: str) -> set[str]:
    return set(OURS.findall(text))


def test_the_names_are_those_of_the_exposition() -> None:
    assert "koppeling_postings_total" in LABELS
    assert "koppeling_postings" not in LABELS
    assert "koppeling_time_to_booked_seconds_bucket" in LABELS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_metric_of_a_rule_exists(rule: dict[str, Any]) -> None:
    assert names(rule["expr"])
    assert names(rule["expr"]) <= LABELS.keys()


def test_every_metric_of_the_dashboard_exists() -> None:
    asked = list(queries())
    assert len(asked) > 30
    assert set().union(*map(names, asked)) <= LABELS.keys()


def test_every_label_that_is_asked_for_exists() -> None:
    for query in (*queries(), *(rule["expr"] for rule in RULES)):
        for name, condition in LABEL_USE.findall(query):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", condition))
            assert asked <= LABELS[name], query


def test_every_metric_is_on_the_dashboard() -> None:
    shown = set().union(*map(names, queries()))
    missing = [metric._name for metric in METRICS if not exposed(metric) & shown]
    assert missing == []


def test_rules_have_the_form_that_prometheus_reads() -> None:
    assert set(yaml.safe_load(RULES_FILE.read_text())) == {"groups"}
    for group in GROUPS:
        assert set(group) <= {"name", "interval", "rules"}
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
        assert rule["labels"] == {"severity": "page", "team": "platform"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_these_and_no_others_page() -> None:
    assert {rule["alert"] for rule in RULES} == PAGES


def test_no_rule_and_no_panel_knows_an_administration() -> None:
    assert all("administration" not in labels for labels in LABELS.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_runbook_that_says_what_to_do(rule: dict[str, Any]) -> None:
    url = rule["annotations"]["runbook_url"]
    assert url.startswith("{{ $externalLabels.runbooks }}/")
    page = RUNBOOKS / url.rpartition("/")[2]
    text = page.read_text()
    assert f"`{rule['alert']}`" in text
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["What it means", "Look at", "Do", "It is over when"]
    assert page.name in (RUNBOOKS / "README.md").read_text()


def test_every_runbook_belongs_to_an_alert() -> None:
    urls = {rule["annotations"]["runbook_url"].rpartition("/")[2] for rule in RULES}
    assert {page.name for page in RUNBOOKS.glob("*.md")} - {"README.md"} == urls


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
