"""What needs somebody, told once per case."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UPGRADE = """
-- What needs somebody in one administration and was told, until it is over. `told_count` is the smallest
-- count since it was last told, `gone_at` since when it was not found any more.
CREATE TABLE attention (
    id                text PRIMARY KEY,
    administration_id text NOT NULL,
    package           text,
    kind              text NOT NULL,
    who_acts          text NOT NULL,
    code              text,
    message_nl        text NOT NULL,
    message_en        text NOT NULL,
    count             integer NOT NULL,
    examples          text[] NOT NULL,
    since             timestamptz NOT NULL,
    opened_at         timestamptz NOT NULL,
    told_at           timestamptz NOT NULL,
    told_count        integer NOT NULL,
    gone_at           timestamptz
);

CREATE INDEX file_member_filed ON file_member (file_id) WHERE state = 'filed';

-- The range that numbers were last allotted in; NULL since the mapping was changed.
ALTER TABLE number_space ADD COLUMN first_number bigint;
ALTER TABLE number_space ADD COLUMN last_number bigint
"""

DOWNGRADE = """
ALTER TABLE number_space DROP COLUMN last_number;
ALTER TABLE number_space DROP COLUMN first_number;
DROP INDEX file_member_filed;
DROP TABLE attention
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back."""
    execute(DOWNGRADE)
