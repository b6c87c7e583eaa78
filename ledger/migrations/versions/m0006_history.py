"""Finished documents past their retention: without payload, in partitions by year that are cheap to drop."""

from __future__ import annotations

from ledger.migrations.statements import execute

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
# A program that does not look in the archive would take an archived document for a new one.
readable_from = "0006"

UPGRADE = """
-- The lowest program revision that may work with these tables; a program that is older refuses them.
ALTER TABLE ledger_state ADD COLUMN readable_from text NOT NULL DEFAULT '0006';

-- What was issued before this day may have been dropped from the archive: it is linked, never sent.
ALTER TABLE ledger_state ADD COLUMN dropped_before date;

-- A finished invoice past its retention. `finished_on` is the later of when it was finished and when it was
-- issued, so that a year that is dropped holds nothing that was issued after it.
CREATE TABLE posting_archive (
    id                bigint NOT NULL,
    finished_on       date NOT NULL,
    administration_id text NOT NULL,
    package           text,
    kind              text NOT NULL,
    document_id       text NOT NULL,
    revision          integer NOT NULL,
    number            text NOT NULL,
    match_key         text NOT NULL,
    relation_id       text NOT NULL,
    credits_key       text,
    issue_date        date,
    gross             numeric(14, 2),
    content_hash      bytea NOT NULL,
    original_hash     bytea,
    edit              integer NOT NULL DEFAULT 0,
    event_id          text NOT NULL,
    event_time        timestamptz NOT NULL,
    correlation_id    text,
    source_topic      text NOT NULL,
    source_partition  integer NOT NULL,
    source_offset     bigint NOT NULL,
    received_at       timestamptz NOT NULL,
    state             text NOT NULL,
    code              text,
    field             text,
    who_acts          text,
    changed_at        timestamptz NOT NULL,
    attempt           integer NOT NULL,
    attachment_state  text,
    package_number    text,
    package_id        text,
    package_journal   text,
    package_year      integer,
    package_period    integer,
    package_url       text,
    file_id           bigint,
    history           jsonb NOT NULL DEFAULT '[]',
    archived_at       timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (finished_on);
CREATE UNIQUE INDEX posting_archive_identity
    ON posting_archive (administration_id, kind, document_id, revision, finished_on);
CREATE INDEX posting_archive_match ON posting_archive (administration_id, kind, match_key);
CREATE INDEX posting_archive_package_id ON posting_archive (administration_id, package, package_id)
    WHERE package_id IS NOT NULL;
CREATE INDEX posting_archive_id ON posting_archive (id);

-- Every posting there is, live or archived, for whoever asks what became of a document.
CREATE VIEW posting_all AS
    SELECT id, administration_id, package, kind, document_id, revision, number, match_key, relation_id,
           credits_key, issue_date, gross, content_hash, original_hash, edit, event_id, event_time,
           correlation_id, source_topic, source_partition, source_offset, received_at, state, code, field,
           message_nl, message_en, vendor_message, who_acts, scope, changed_at, due_at, attempt,
           intent_step, attachment_state, package_number, package_id, package_journal,
           package_year, package_period, package_url, file_id,
           false AS archived
      FROM posting
    UNION ALL
    SELECT id, administration_id, package, kind, document_id, revision, number, match_key, relation_id,
           credits_key, issue_date, gross, content_hash, original_hash, edit, event_id, event_time,
           correlation_id, source_topic, source_partition, source_offset, received_at, state, code, field,
           NULL, NULL, NULL, who_acts, NULL, changed_at, NULL, attempt,
           NULL, attachment_state, package_number, package_id, package_journal,
           package_year, package_period, package_url, file_id, true
      FROM posting_archive
"""

DOWNGRADE = """
DROP VIEW posting_all;
DROP TABLE posting_archive;
ALTER TABLE ledger_state DROP COLUMN dropped_before;
ALTER TABLE ledger_state DROP COLUMN readable_from
"""


def upgrade() -> None:
    """Apply."""
    execute(UPGRADE)


def downgrade() -> None:
    """Take back; documents in the archive are lost to the ledger."""
    execute(DOWNGRADE)
