"""What a connection has used of its package's budgets, for the next process that holds it."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
readable_from = "0006"

UPGRADE = """
-- By budget, how old each slot of calls was when it was written: [{"period": 60, "calls": [[0.4, 3], …]}, …].
ALTER TABLE connection ADD COLUMN pace jsonb;
ALTER TABLE connection ADD COLUMN pace_at timestamptz
"""

DOWNGRADE = """
ALTER TABLE connection DROP COLUMN pace_at;
ALTER TABLE connection DROP COLUMN pace
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back."""
    execute(DOWNGRADE)
