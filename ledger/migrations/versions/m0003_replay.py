"""Replays that a person started: what, how far, how it ended."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UPGRADE = """
-- Sending many postings again, asked for by a person. Any worker takes any next step of it: what is done
-- is in
-- the rows, and a step is one transaction. `taken` is the position of the last item that had its turn.
CREATE TABLE replay (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_by    text NOT NULL,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    why         text,
    filter      jsonb NOT NULL,
    rate        double precision NOT NULL CHECK (rate > 0),
    stop_after  integer NOT NULL CHECK (stop_after > 0),
    total       integer NOT NULL DEFAULT 0,
    left_out    jsonb NOT NULL DEFAULT '{}',
    state       text NOT NULL DEFAULT 'running',
    taken       integer NOT NULL DEFAULT 0,
    failures    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    ended_by    text,
    ended_why   text,
    finished_at timestamptz
);
CREATE INDEX replay_unfinished ON replay (id) WHERE finished_at IS NULL;

-- One posting of a replay, or rejected input (which gets the posting that it becomes). `outcome` is what
-- came of
-- it, or `left_out` with the reason why it was not sent in `code`.
CREATE TABLE replay_item (
    replay_id   bigint NOT NULL REFERENCES replay (id) ON DELETE CASCADE,
    position    integer NOT NULL,
    posting_id  bigint,
    rejected_id bigint,
    planned     text NOT NULL,
    sent_at     timestamptz,
    outcome     text,
    code        text,
    ended_at    timestamptz,
    PRIMARY KEY (replay_id, position)
);
CREATE INDEX replay_item_open ON replay_item (replay_id) WHERE sent_at IS NOT NULL AND outcome IS NULL;

-- Few documents have a later revision; this finds them without looking at all others.
CREATE INDEX posting_later_revision ON posting (administration_id, kind, document_id, revision)
    WHERE revision > 1 AND kind <> 'relation';

CREATE INDEX audit_object ON audit (object)
"""

DOWNGRADE = """
DROP INDEX audit_object;
DROP INDEX posting_later_revision;
DROP TABLE replay_item;
DROP TABLE replay
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back."""
    execute(DOWNGRADE)
