"""What decides about a posting in a replay, in one small index: a dry run counts without reading rows."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
readable_from = "0006"

UPGRADE = """
-- Few different values, so equal entries share their key: eight bytes a row. The order is that in which
-- `ledger/replay_census.py` goes from one group to the next.
CREATE INDEX posting_standing
    ON posting (state, kind, look_up_first, package, administration_id, code)
"""

DOWNGRADE = """
DROP INDEX posting_standing
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back."""
    execute(DOWNGRADE)
