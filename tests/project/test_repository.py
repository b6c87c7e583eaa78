"""The repository stands by itself, and what its documents say is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from ops.packages import PACKAGES
from schemas.catalogue import CATALOGUE
from tests.project.repository import ROOT, documents, files, texts, wrong_words
from vendors.simulation.packages import PACKAGES_WITH_SIMULATOR

VENDORED = Path("tests/project/compose_spec")
PLACES = (
    "/" + "work/",
    "/" + "home/",
    "/" + "Users/",
    "/tmp/" + "t/",
    ".." + "/shared",
    "shared/" + "packages",
)
"""Paths that exist on somebody's machine only."""

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```[a-z]*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
OUR_FILE = re.compile(
    r"(?:schemas|ledger|telemetry|vendors|streams|sinks|sources|ops|tests|docs|bench)/[\w./-]*"
)
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = dict(re.findall(r"^([a-z-]+):.*?## (.+)$", MAKEFILE, re.MULTILINE))


def code_of(text: str) -> list[str]:
    """The code of a document, line by line; continued lines are joined."""
    pieces = [block or inline for block, inline in CODE.findall(text)]
    return [line.strip() for piece in pieces for line in piece.replace("\\\n", " ").splitlines()]


@pytest.mark.parametrize("place", PLACES)
def test_no_file_names_a_path_of_a_machine(place: str) -> None:
    assert [str(path) for path, text in texts() if place in text and VENDORED not in path.parents] == []


def test_the_lock_file_names_the_public_index_only() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_no_file_is_empty_but_the_marks_of_packages() -> None:
    assert [path for path in files() if path.name != "__init__.py" and not (ROOT / path).stat().st_size] == []


@pytest.mark.parametrize("document", [str(path) for path, _ in documents()])
def test_every_link_leads_somewhere(document: str) -> None:
    path = ROOT / document
    broken = []
    for target in LINK.findall(path.read_text()):
        name = unquote(target.partition("#")[0])
        if (
            name
            and not name.startswith(("http://", "https://", "mailto:"))
            and not (path.parent / name).exists()
        ):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", [str(path) for path, _ in documents()])
def test_every_command_of_ours_exists(document: str) -> None:
    wrong = []
    for line in code_of((ROOT / document).read_text()):
        found = re.search(r"(?:^|[|;&] ?|\bbin/|sudo )koppeling ([^|;&<>#]+)", line)
        if found is None:
            continue
        try:
            words = shlex.split(found[1])
        except ValueError:
            words = found[1].split()
        complaint = wrong_words([word.strip("[]…") for word in words])
        if complaint:
            wrong.append(f"{line}: {complaint}")
    assert wrong == []


@pytest.mark.parametrize("document", [str(path) for path, _ in documents()])
def test_every_make_target_exists(document: str) -> None:
    named = {
        name
        for line in code_of((ROOT / document).read_text())
        for name in re.findall(r"(?:^|&& |; )make ([a-z-]+)", line)
    }
    assert named <= set(TARGETS)


def test_every_target_of_the_makefile_is_explained() -> None:
    declared = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE))
    assert declared == set(TARGETS)
    assert all(len(name) + len(what) < 110 for name, what in TARGETS.items())


def test_every_target_runs_something_that_exists() -> None:
    for line in re.findall(r"\$\(BIN\)/koppeling (.+)$", MAKEFILE, re.MULTILINE):
        assert wrong_words([word for word in line.split() if word != "$(ARGS)"]) is None, line
    for module in re.findall(r"\$\(BIN\)/python -m (\w+)", MAKEFILE):
        assert (ROOT / module / "__main__.py").exists() or (ROOT / f"{module}.py").exists(), module


def test_the_readme_starts_with_the_two_commands() -> None:
    lines = code_of((ROOT / "README.md").read_text())
    assert [line.split("#")[0].strip() for line in lines if line.startswith("make")][:2] == [
        "make demo",
        "make test",
    ]


def test_ci_runs_what_people_run() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert "make test" in script
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/operations.md"]
)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    named = [line for line in code_of((ROOT / document).read_text()) if OUR_FILE.fullmatch(line)]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    records = [path.name for path in files() if path.parent == Path("docs/adr") and path.name != "README.md"]
    assert records
    assert all(f"({name})" in index for name in records)


def test_the_readme_has_enks_table_word_for_word() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "README.md").read_text().splitlines()
        if "Rechtstreeks" in line or "| Bestand" in line
    ]
    assert [tuple(row[:4]) for row in rows] == [
        (row.boekhoudpakket, row.type_koppeling, row.teruglezen, row.extra_module) for row in CATALOGUE
    ]
    assert [row[4] != "not built yet" for row in rows] == [row.built for row in CATALOGUE]


def test_every_built_package_has_all_that_contributing_asks_for() -> None:
    manuals = (ROOT / "docs/packages/README.md").read_text()
    for row in CATALOGUE:
        if not row.built:
            continue
        name = row.package.value
        assert row.package in PACKAGES
        assert name in PACKAGES_WITH_SIMULATOR
        assert f"({name}.md)" in manuals
        wanted = [f"docs/packages/{name}.md", f"sinks/{name}.py", f"vendors/{name}"]
        if row.has_readback:
            wanted.append(f"sources/{name}.py")
        assert [path for path in wanted if not (ROOT / path).exists()] == []


def test_the_change_log_is_kept() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }
