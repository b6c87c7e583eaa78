"""The ledger: intake, lanes, postings, relations, files, receivables, outbox."""

from __future__ import annotations

from alembic import op

from ledger.migrations.statements import execute

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
-- One row: which history this database has lived through. `epoch` is the high part of every sequence.
CREATE TABLE ledger_state (
    single            boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch             integer NOT NULL DEFAULT 1,
    system_identifier text,
    timeline          integer,
    recovered_at      timestamptz,
    recovery_cause    text
);
INSERT INTO ledger_state DEFAULT VALUES;

-- App x vendor user: the credentials, and the lease that one process holds on them.
CREATE TABLE connection (
    id           text PRIMARY KEY,
    package      text NOT NULL,
    credentials  bytea,
    connected_at timestamptz,
    lease_owner  text,
    lease_epoch  bigint NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    call_timeout interval NOT NULL DEFAULT interval '30 seconds'
);

CREATE TABLE administration (
    id           text PRIMARY KEY,
    name         text NOT NULL,
    package      text NOT NULL,
    active       boolean NOT NULL,
    go_live_date date,
    source_partition integer NOT NULL,
    source_offset    bigint NOT NULL,
    changed_at   timestamptz NOT NULL DEFAULT now()
);

-- One administration in one package: the unit of order. `due_at` is when it wants a worker.
CREATE TABLE lane (
    administration_id   text NOT NULL,
    package             text NOT NULL,
    connection_id       text REFERENCES connection (id) ON DELETE SET NULL,
    mapping             jsonb NOT NULL DEFAULT '{}',
    identity            jsonb,
    held_code           text,
    held_nl             text,
    held_en             text,
    held_who_acts       text,
    held_vendor_message text,
    held_since          timestamptz,
    probe_at            timestamptz,
    paused_until        timestamptz,
    probes              integer NOT NULL DEFAULT 0,
    in_recovery         boolean NOT NULL DEFAULT false,
    due_at              timestamptz,
    due_version         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (administration_id, package)
);
CREATE INDEX lane_due ON lane (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lane_connection ON lane (connection_id);

CREATE TABLE relation (
    administration_id text NOT NULL,
    relation_id       text NOT NULL,
    revision          integer NOT NULL,
    number            text NOT NULL,
    payload           bytea NOT NULL,
    content_hash      bytea NOT NULL,
    received_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (administration_id, relation_id)
);

-- A relation as a package knows it, one row per role.
CREATE TABLE reference (
    administration_id text NOT NULL,
    package           text NOT NULL,
    role              text NOT NULL,
    relation_id       text NOT NULL,
    package_id        text NOT NULL,
    code              text,
    fingerprint       bytea NOT NULL,
    written_at        timestamptz NOT NULL DEFAULT now(),
    file_id           bigint,
    PRIMARY KEY (administration_id, package, role, relation_id)
);

-- A document on its way into a package: one row per revision of an invoice, one per relation.
CREATE TABLE posting (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    payload           bytea NOT NULL,
    content_hash      bytea NOT NULL,
    event_id          text NOT NULL,
    event_source      text NOT NULL,
    event_time        timestamptz NOT NULL,
    correlation_id    text,
    traceparent       text,
    source_topic      text NOT NULL,
    source_partition  integer NOT NULL,
    source_offset     bigint NOT NULL,
    received_at       timestamptz NOT NULL DEFAULT now(),
    state             text NOT NULL,
    code              text,
    field             text,
    message_nl        text,
    message_en        text,
    vendor_message    text,
    who_acts          text,
    scope             text,
    changed_at        timestamptz NOT NULL DEFAULT now(),
    due_at            timestamptz,
    waiting_key       text,
    waiting_until     timestamptz,
    attempt           integer NOT NULL DEFAULT 0,
    transient         integer NOT NULL DEFAULT 0,
    intent_step       text,
    intent_at         timestamptz,
    intent_epoch      bigint,
    again             boolean NOT NULL DEFAULT false,
    look_up_first     boolean NOT NULL DEFAULT false,
    attachment_state  text,
    package_number    text,
    package_id        text,
    package_journal   text,
    package_year      integer,
    package_period    integer,
    package_url       text,
    file_id           bigint,
    UNIQUE (administration_id, kind, document_id, revision)
) WITH (fillfactor = 70);
CREATE INDEX posting_due ON posting (administration_id, package, id) WHERE due_at IS NOT NULL;
CREATE INDEX posting_match ON posting (administration_id, kind, match_key);
CREATE INDEX posting_waiting ON posting (administration_id, waiting_key) WHERE waiting_key IS NOT NULL;
CREATE INDEX posting_open ON posting (state, code) WHERE state NOT IN
    ('booked', 'already_booked', 'adopted', 'superseded', 'discarded');
CREATE INDEX posting_intent ON posting (administration_id, package) WHERE intent_step IS NOT NULL;
CREATE INDEX posting_staged ON posting (administration_id, package, id)
    WHERE state = 'posting' AND intent_step IS NULL;
CREATE INDEX posting_package_id ON posting (administration_id, package, package_id)
    WHERE package_id IS NOT NULL;

CREATE TABLE posting_history (
    posting_id bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    state      text NOT NULL,
    code       text,
    attempt    integer NOT NULL,
    message    text
);
CREATE INDEX posting_history_posting ON posting_history (posting_id, at);

-- Every record of an input topic, and what it became.
CREATE TABLE input_record (
    topic        text NOT NULL,
    partition    integer NOT NULL,
    "offset"     bigint NOT NULL,
    event_source text,
    event_id     text,
    content_hash bytea,
    posting_id   bigint,
    rejected_id  bigint,
    became       text NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX input_record_event ON input_record (event_source, event_id) WHERE event_id IS NOT NULL;

-- Input that could not become a posting, with its original bytes.
CREATE TABLE rejected_input (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic             text NOT NULL,
    partition         integer NOT NULL,
    "offset"          bigint NOT NULL,
    key               bytea,
    headers           jsonb NOT NULL,
    value             bytea,
    administration_id text,
    kind              text NOT NULL,
    document_id       text,
    number            text,
    revision          integer,
    event_id          text,
    code              text NOT NULL,
    field             text,
    message_nl        text NOT NULL,
    message_en        text NOT NULL,
    who_acts          text NOT NULL,
    state             text NOT NULL DEFAULT 'rejected',
    received_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX rejected_input_document ON rejected_input (administration_id, kind, document_id);

CREATE TABLE input_offset (
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    -- What Kafka had committed when a recovery began: not taken for a second step back in time.
    forgiven    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
);

-- After a recovery: what our own events say was put in a file, whose rows the ledger has forgotten.
CREATE TABLE recovered_filing (
    administration_id text NOT NULL,
    package           text NOT NULL,
    kind              text NOT NULL,
    document_id       text NOT NULL,
    revision          integer NOT NULL,
    file_sequence     integer NOT NULL,
    file_name         text NOT NULL,
    PRIMARY KEY (administration_id, package, kind, document_id)
);

CREATE TABLE document_sequence (
    document text PRIMARY KEY,
    sequence bigint NOT NULL
);

CREATE TABLE outbox (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic   text NOT NULL,
    key     bytea NOT NULL,
    headers jsonb NOT NULL,
    value   bytea NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE number_space (
    administration_id text NOT NULL,
    space             text NOT NULL,
    next_number       bigint NOT NULL,
    PRIMARY KEY (administration_id, space)
);
CREATE TABLE number_allotment (
    administration_id text NOT NULL,
    space             text NOT NULL,
    entity            text NOT NULL,
    number            bigint NOT NULL,
    allotted_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (administration_id, space, entity),
    UNIQUE (administration_id, space, number)
);

-- Import files. A cut stores bytes once; they are never rendered again.
CREATE TABLE file (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    administration_id text NOT NULL,
    package           text NOT NULL,
    sequence          integer NOT NULL,
    cut_at            timestamptz NOT NULL,
    state             text NOT NULL,
    intent_at         timestamptz,
    intent_epoch      bigint,
    delivered_at      timestamptz,
    due_at            timestamptz,
    attempt           integer NOT NULL DEFAULT 0,
    code              text,
    message_nl        text,
    message_en        text,
    downloads         integer NOT NULL DEFAULT 0,
    UNIQUE (administration_id, package, sequence)
);
CREATE TABLE file_part (
    file_id  bigint NOT NULL REFERENCES file (id) ON DELETE CASCADE,
    position integer NOT NULL,
    name     text NOT NULL,
    sha256   bytea NOT NULL,
    size     bigint NOT NULL,
    state    text NOT NULL DEFAULT 'cut',
    PRIMARY KEY (file_id, position)
);
CREATE TABLE file_chunk (
    file_id  bigint NOT NULL,
    position integer NOT NULL,
    chunk    integer NOT NULL,
    content  bytea NOT NULL,
    PRIMARY KEY (file_id, position, chunk),
    FOREIGN KEY (file_id, position) REFERENCES file_part (file_id, position) ON DELETE CASCADE
);
CREATE TABLE file_member (
    file_id    bigint NOT NULL REFERENCES file (id) ON DELETE CASCADE,
    posting_id bigint NOT NULL,
    position   integer NOT NULL,
    state      text NOT NULL DEFAULT 'filed',
    reason     text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, posting_id)
);
CREATE INDEX file_member_posting ON file_member (posting_id);

-- What a package last showed of a sales invoice.
CREATE TABLE receivable (
    administration_id text NOT NULL,
    package           text NOT NULL,
    invoice_id        text NOT NULL,
    number            text NOT NULL,
    package_id        text NOT NULL,
    gross             numeric(14, 2) NOT NULL,
    open              numeric(14, 2),
    status            text,
    settled_by        text,
    last_payment_date date,
    requested_at      timestamptz,
    ordinal           bigint NOT NULL DEFAULT 0,
    missing_since     timestamptz,
    PRIMARY KEY (administration_id, invoice_id)
) WITH (fillfactor = 80);
CREATE INDEX receivable_missing ON receivable (administration_id, package) WHERE missing_since IS NOT NULL;

CREATE TABLE readback (
    administration_id text NOT NULL,
    package           text NOT NULL,
    cursor            jsonb,
    pull_due_at       timestamptz,
    sweep_due_at      timestamptz,
    pulled_at         timestamptz,
    swept_at          timestamptz,
    failures          integer NOT NULL DEFAULT 0,
    code              text,
    message_nl        text,
    PRIMARY KEY (administration_id, package)
);
CREATE INDEX readback_due ON readback (pull_due_at);

CREATE TABLE package_breaker (
    package   text PRIMARY KEY,
    code      text NOT NULL,
    message   text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    who    text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
"""

NAMES = (
    "audit recovered_filing package_breaker readback receivable file_member file_chunk file_part file"
    " number_allotment number_space outbox document_sequence input_offset rejected_input input_record"
    " posting_history posting reference relation lane administration connection ledger_state"
)


def upgrade() -> None:
    """Create every table."""
    execute(TABLES)


def downgrade() -> None:
    """Drop every table."""
    for name in NAMES.split(" "):
        op.execute(f"DROP TABLE {name}")
