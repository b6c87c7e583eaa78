"""Whatever a command writes in the ledger leaves an audit row in the same transaction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ops

FOLDER = Path(ops.__file__).parent
WHERE = (
    *sorted((FOLDER / "commands").glob("*.py")),
    FOLDER / "connecting.py",
    FOLDER / "replay" / "actions.py",
)

READS_ONLY = {"editing._open"}
"""Locks what it reads, for as long as it reads."""


def writers() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function that opens a transaction itself."""
    for path in WHERE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and "transaction" in called(node):
                yield f"{path.stem}.{node.name}", node


def called(function: ast.FunctionDef) -> set[str]:
    """Names of what a function calls."""
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    }


def test_every_transaction_of_a_command_writes_an_audit_row() -> None:
    found = dict(writers())
    assert len(found) > 10
    silent = {name for name, function in found.items() if "record_action" not in called(function)}
    assert silent == READS_ONLY
