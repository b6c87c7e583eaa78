"""Finished postings: payloads that may go, rows that are cheap to drop."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UPGRADE = """
"""

DOWNGRADE = """
"""


def upgrade() -> None:
    """Apply."""
    for statement in UPGRADE.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Take back."""
    for statement in DOWNGRADE.split(";\n"):
        if statement.strip():
            op.execute(statement)
