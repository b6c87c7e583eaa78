"""What we tell ENK about a document or relation: `nl.enk.koppeling.posting.changed.v1`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.codes import Code, Outcome, Package, WhoActs
from schemas.instant import Instant
from schemas.model import EventModel
from schemas.outcome import Reason

UNREADABLE_KEY = "unreadable"
"""The key of a posting event about a record that has none itself."""

POSTING_CHANGED = "nl.enk.koppeling.posting.changed.v1"


class WhatKind(StrEnum):
    """What a posting event is about; `record` when nothing more of it could be read."""

    RELATION = "relation"
    SALES_INVOICE = "sales_invoice"
    PURCHASE_INVOICE = "purchase_invoice"
    ADMINISTRATION = "administration"
    RECORD = "record"


class What(EventModel):
    """The document or relation; what is unknown is absent."""

    kind: WhatKind = Field(description="What it is.")
    id: str | None = Field(None, description="ENK's id.")
    number: str | None = Field(None, description="ENK's number.")
    revision: int | None = Field(None, description="ENK's revision.")


class SourceRecord(EventModel):
    """The Kafka record that it came from."""

    topic: str = Field(description="Input topic.")
    partition: Annotated[int, Field(ge=0)] = Field(description="Its partition.")
    offset: Annotated[int, Field(ge=0)] = Field(description="Its offset.")
    event_id: str | None = Field(None, description="The event's `ce_id`, where it could be read.")


class PackageDocument(EventModel):
    """What the package made of it."""

    number: str = Field(description="The package's number.")
    id: str | None = Field(None, description="The package's own id.")
    journal: str | None = Field(None, description="Journal.")
    year: int | None = Field(None, description="Financial year.")
    period: int | None = Field(None, description="Period.")
    url: str | None = Field(None, description="Where people find it.")


class FileRef(EventModel):
    """The import file that it is in."""

    name: str = Field(description="File name.")
    sequence: int = Field(description="Which file of this administration, from 1.")


class Message(EventModel):
    """One sentence in two languages."""

    nl: str = Field(description="Dutch.")
    en: str = Field(description="English.")


class PostingError(EventModel):
    """Why it is not booked (yet), and who must act."""

    code: Code = Field(description="Closed list; treat one you do not know as `internal`.")
    field: str | None = Field(
        None, description="JSON path in the event's data, `headers.…`, `key` or `value`."
    )
    message: Message = Field(description="What is wrong and what to do.")
    vendor_message: str | None = Field(None, description="The package's words, verbatim.")
    who_acts: WhoActs = Field(description="Who must act.")
    next_attempt_at: Instant | None = Field(None, description="When it is tried again by itself.")

    @classmethod
    def of(cls, reason: Reason, next_attempt_at: datetime | None = None) -> PostingError:
        """The error of a reason."""
        return cls(
            code=reason.code,
            field=reason.field,
            message=Message(nl=reason.nl, en=reason.en),
            vendor_message=reason.vendor_message,
            who_acts=reason.who_acts,
            next_attempt_at=next_attempt_at,
        )


class PostingChanged(EventModel):
    """The data of a posting event. Ignore a `sequence` lower than one you have seen of the same document."""

    administration: str | None = Field(None, description="The administration; absent when unknown.")
    package: Package | None = Field(None, description="The package; absent when unknown.")
    what: What = Field(description="What it is about.")
    source_record: SourceRecord | None = Field(
        None, description="Where it came from; always there for a rejection."
    )
    outcome: Outcome = Field(description="What it has come to.")
    package_document: PackageDocument | None = Field(None, description="What the package made of it.")
    file: FileRef | None = Field(None, description="The import file it is in.")
    error: PostingError | None = Field(None, description="Why it is not booked (yet).")
    attempt: Annotated[int, Field(ge=0)] = Field(description="How often it was sent.")
    edit: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="What is (to be) booked was edited here by a person: which edit of this document. Absent "
        "when it is what ENK sent; ENK's next revision takes its place.",
    )
    sequence: Annotated[int, Field(ge=0)] = Field(description="Rises with every change of this document.")
    occurred_at: Instant = Field(description="When.")
