"""How reading a record can end when it does not end well.

Refusal       inside `schemas`: one code, one field, one problem in two languages
Rejection     what `read_record` raises: the reason, and whatever of the document could be recognised
SchemaAhead   what `read_record` raises when all is well but for a field that this release does not know
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from schemas.envelope import Envelope
from schemas.outcome import Code, Reason, reason
from schemas.posting import WhatKind


class Refusal(Exception):
    """Something in a record is wrong: which code, where, and what fills its sentence."""

    def __init__(self, code: Code, field: str, **values: object) -> None:
        super().__init__(f"{code} {field}")
        self.code = code
        self.field = field
        self.values: Mapping[str, object] = values

    def reason(self) -> Reason:
        """The coded reason with its two sentences."""
        return reason(self.code, field=self.field, vendor_message=None, who_acts=None, **self.values)


def refuse(code: Code, field: str, nl: str, en: str) -> NoReturn:
    """Raise a `Refusal` whose problem is said in two languages."""
    raise Refusal(code, field, problem_nl=nl, problem_en=en)


@dataclass(frozen=True)
class Recognised:
    """What could be made out of a record, however broken; what could not is None."""

    administration: str | None = None
    kind: WhatKind | None = None
    id: str | None = None
    number: str | None = None
    revision: int | None = None
    event_id: str | None = None


class Rejection(Exception):
    """The record cannot be processed, now or later, as it is."""

    def __init__(self, reason: Reason, recognised: Recognised) -> None:
        super().__init__(f"{reason.code} {reason.field}: {reason.en}")
        self.reason = reason
        self.administration = recognised.administration
        self.kind = recognised.kind
        self.id = recognised.id
        self.number = recognised.number
        self.revision = recognised.revision
        self.event_id = recognised.event_id


class SchemaAhead(Exception):
    """The record is in order as far as this release knows it, but has a field that it does not know.

    Attributes:
        field: path of the first unknown field.
        reason: `schema_ahead` with its sentences.
        envelope: the event's attributes.
        content_hash: of the data as it came, unknown fields included, apart from revision and extensions.
    """

    def __init__(self, field: str, recognised: Recognised, envelope: Envelope, content_hash: bytes) -> None:
        super().__init__(f"{Code.SCHEMA_AHEAD} {field}")
        self.field = field
        self.reason = reason(Code.SCHEMA_AHEAD, field=field)
        self.envelope = envelope
        self.content_hash = content_hash
        self.administration = recognised.administration
        self.kind = recognised.kind
        self.id = recognised.id
        self.number = recognised.number
        self.revision = recognised.revision
        self.event_id = recognised.event_id
