"""SQL of a migration: several statements in one text."""

from __future__ import annotations

from alembic import op


def execute(text: str) -> None:
    """Run statements that end with a semicolon at the end of a line, in their order."""
    for statement in text.split(";\n"):
        if statement.strip():
            op.execute(statement)
