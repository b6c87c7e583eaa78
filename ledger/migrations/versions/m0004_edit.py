"""Edits of a document by a person, and what makes a record that is put back recognisable."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UPGRADE = """
-- `version` rises whenever somebody else than its lane changes what becomes of a posting: what a lane decided
-- on an older version is not written. `edit` is which edit `payload` is, 0 for what ENK sent.
ALTER TABLE posting ADD COLUMN version integer NOT NULL DEFAULT 0;
ALTER TABLE posting ADD COLUMN edit integer NOT NULL DEFAULT 0;

-- What ENK sent, while `payload` and `content_hash` are an edit of it. The hash is empty when what ENK sent
-- could not be read: the posting is the edit of rejected input.
ALTER TABLE posting ADD COLUMN original_payload bytea;
ALTER TABLE posting ADD COLUMN original_hash bytea;
ALTER TABLE relation ADD COLUMN original_hash bytea;

CREATE TABLE posting_edit (
    posting_id bigint NOT NULL,
    n          integer NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    who        text NOT NULL,
    why        text,
    previous   bytea,
    payload    bytea NOT NULL,
    PRIMARY KEY (posting_id, n)
);

CREATE INDEX rejected_input_event ON rejected_input (event_id) WHERE event_id IS NOT NULL;

-- Typed in by hand: linked when a readback shows the number.
CREATE INDEX posting_unlinked ON posting (administration_id, package, package_number)
    WHERE kind = 'sales_invoice' AND state = 'adopted' AND package_id IS NULL;
"""

DOWNGRADE = """
DROP INDEX posting_unlinked;
DROP INDEX rejected_input_event;
DROP TABLE posting_edit;
ALTER TABLE relation DROP COLUMN original_hash;
ALTER TABLE posting DROP COLUMN original_hash;
ALTER TABLE posting DROP COLUMN original_payload;
ALTER TABLE posting DROP COLUMN edit;
ALTER TABLE posting DROP COLUMN version
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back."""
    execute(DOWNGRADE)
