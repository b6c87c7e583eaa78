"""What ENK, the ledger and a package hold of a month, compared."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UPGRADE = """
-- One comparison of a month, asked for or made. Of those made only the newest of each month is kept.
CREATE TABLE reconciliation_run (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    administration_id text NOT NULL,
    package           text NOT NULL,
    month             date NOT NULL,
    state             text NOT NULL DEFAULT 'asked',
    asked_by          text NOT NULL,
    asked_at          timestamptz NOT NULL DEFAULT now(),
    due_at            timestamptz,
    started_at        timestamptz,
    finished_at       timestamptz,
    attempts_left     integer NOT NULL,
    code              text,
    message_nl        text,
    message_en        text,
    who_acts          text,
    totals            jsonb,
    left_out          integer NOT NULL DEFAULT 0
);
CREATE INDEX reconciliation_run_due ON reconciliation_run (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX reconciliation_run_month ON reconciliation_run (administration_id, package, month);

CREATE TABLE reconciliation_difference (
    run_id         bigint NOT NULL REFERENCES reconciliation_run (id) ON DELETE CASCADE,
    position       integer NOT NULL,
    kind           text NOT NULL,
    direction      text NOT NULL,
    number         text NOT NULL,
    relation_id    text,
    document_id    text,
    posting        text,
    our_gross      numeric,
    package_gross  numeric,
    package_ids    text[] NOT NULL DEFAULT '{}',
    state          text,
    code           text,
    who_acts       text,
    message_nl     text NOT NULL,
    message_en     text NOT NULL,
    needs_somebody boolean NOT NULL,
    PRIMARY KEY (run_id, position)
);
CREATE INDEX reconciliation_difference_open ON reconciliation_difference (kind) WHERE needs_somebody;

-- Nights for which every administration was asked for.
CREATE TABLE reconciliation_night (
    day        date PRIMARY KEY,
    planned_at timestamptz NOT NULL DEFAULT now()
)
"""

DOWNGRADE = """
DROP TABLE reconciliation_night;
DROP TABLE reconciliation_difference;
DROP TABLE reconciliation_run
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back."""
    execute(DOWNGRADE)
