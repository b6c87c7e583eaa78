"""A short run of everything together; the long one is `make chaos`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_double_under_chaos(tmp_path: Path) -> None:
    result = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "ops.cli", "chaos", "--minutes", "0.25", "--seed", "11"]
    command += ["--administrations", "6", "--documents", "150", "--json", str(result)]
    command += ["--data-dir", str(tmp_path / "data")]
    clean = {name: value for name, value in os.environ.items() if "__" not in name}
    done = subprocess.run(command, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text())
    assert found["holds"]
    assert found["verdict"]["sent"] >= 150
    assert found["process_kills"] >= 1
    assert found["faults"]["restore_database"] == 1
    assert "The proof holds." in done.stdout
