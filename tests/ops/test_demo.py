"""The demo from a shell, as `make demo ARGS=--exit` runs it: the project's smoke test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]


def clean_environment() -> dict[str, str]:
    """Ours, without settings that point to other services."""
    return {name: value for name, value in os.environ.items() if "__" not in name and name != "DATA_DIR"}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_demo_ends_with_a_proof_that_holds(service_folder: Path) -> None:
    folder = service_folder / "demo"

    demo = subprocess.run(
        [sys.executable, "-m", "ops.cli", "demo", "--exit", "--data-dir", str(folder)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "documents sent 82, booked 82, double 0, missing 0, cents different 0" in demo.stdout
    for row in CATALOGUE:
        assert re.search(rf"^ {re.escape(row.boekhoudpakket)} +{row.type_koppeling} ", demo.stdout, re.M), row
    assert demo.stdout.count("not built yet") == sum(not row.built for row in CATALOGUE)
    assert "5 paid" in demo.stdout
    assert "Grootboekrekening 8999 bestaat niet" in demo.stdout
    assert _processes_on(folder) == []


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")

    demo = subprocess.run(
        [sys.executable, "-m", "ops.cli", "demo", "--exit", "--data-dir", str(tmp_path)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert demo.returncode == 1
    assert "is not a demo's" in " ".join(demo.stderr.split())
    assert (tmp_path / "letter.txt").read_text() == "keep me"


def _processes_on(folder: Path) -> list[str]:
    """Command lines of processes that still mention the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found
