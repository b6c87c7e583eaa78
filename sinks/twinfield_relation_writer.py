"""Finding, creating and updating debtors and creditors in Twinfield.

Writing to a code that exists changes it, so a code is looked up before it is created: it is ours only when
it is the same company. A relation whose number does not fit the administration's mask is numbered by
Twinfield, and found again by its name and the reference that we gave it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from schemas.outcome import Code, Package
from schemas.relation import Relation, Role
from sinks.contract import RelationReference, WrittenRelation
from sinks.shortening import one_line, shorten
from sinks.twinfield_lines import LONGEST_CODE
from sinks.twinfield_overlay import overlay
from sinks.twinfield_relation import (
    LONGEST,
    TYPE,
    RelationFields,
    marker,
    new_dimension,
    relation_fields,
)
from sinks.twinfield_settings import RelationCodes, TwinfieldMapping
from vendors.failure import Refused
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.errors import TwinfieldRefused
from vendors.twinfield.models import Dimension
from vendors.twinfield.wire import Element

T = TypeVar("T")

TRIES = 4
_REQUIRED_PATHS = {"name": "$.name", "code": "$.number", "type": "$.roles", "duedays": "$.payment_terms.days"}


class RelationWriter:
    """Relations of one office."""

    def __init__(self, client: TwinfieldClient, mapping: TwinfieldMapping) -> None:
        self._client = client
        self._mapping = mapping
        self._masks: dict[Role, str] = {}

    async def find(self, relation: Relation, role: Role) -> RelationReference | None:
        """The active relation that is ENK's, in that role."""
        code = await self._code(relation, role)
        found = await self._held(relation, role, code)
        if found is None or not found.is_active or not is_same_company(found, relation):
            return None
        return _reference(found)

    async def upsert(
        self, relation: Relation, role: Role, known: RelationReference | None
    ) -> WrittenRelation:
        """Create or update; optional fields that Twinfield refuses are left out and reported."""
        fields = relation_fields(relation, role, self._mapping)
        record = await self._client.dimension(TYPE[role], known.id) if known else None
        adopted = record is None
        if record is None:
            code = await self._code(relation, role)
            record = await self._held(relation, role, code)
            if record is None:
                return await self._create(relation, role, fields, code)
            if not is_same_company(record, relation):
                raise _code_of_another(relation, record)
        if not record.is_active:
            raise Refused(
                Code.BLOCKED_RELATION,
                f"{TYPE[role]} {record.code}: {record.status}",
                package=Package.TWINFIELD,
                relation=relation.number,
            )
        return await self._update(record, relation, fields, adopted=adopted)

    async def _held(self, relation: Relation, role: Role, code: str | None) -> Dimension | None:
        """What is there under the relation's code, or under its name with our reference."""
        if code is not None:
            return await self._client.dimension(TYPE[role], code)
        return await self._find_by_name(relation, role)

    async def _find_by_name(self, relation: Relation, role: Role) -> Dimension | None:
        """A relation that we had Twinfield number: the one of that name that carries our reference."""
        for named in await self._client.dimensions_named(TYPE[role], shorten(relation.name, LONGEST)):
            record = await self._client.dimension(TYPE[role], named.code)
            if record is not None and record.reference == marker(relation):
                return record
        return None

    async def _code(self, relation: Relation, role: Role) -> str | None:
        """ENK's number as code; None when it does not fit, or Twinfield numbers all."""
        number = relation.number.strip()
        if self._mapping.relation_codes is RelationCodes.TWINFIELD or len(number) > LONGEST_CODE:
            return None
        if role not in self._masks:
            self._masks[role] = await self._client.code_mask(TYPE[role])
        return number if _fits_mask(number, self._masks[role]) else None

    async def _create(
        self, relation: Relation, role: Role, fields: RelationFields, code: str | None
    ) -> WrittenRelation:
        def document(values: RelationFields) -> Element:
            return new_dimension(relation, values, role, code, self._client.office, self._mapping)

        async def write(values: RelationFields) -> Dimension:
            return await self._client.write_dimension(document(values))

        try:
            written, sent = await _dropping_refused(fields, write, relation)
        except TwinfieldRefused as refusal:
            if code is None or refusal.told is None or refusal.told.element != "code":
                raise
            # the mask says otherwise than it seemed: let Twinfield number it, unless it did before
            found = await self._find_by_name(relation, role)
            if found is not None:
                return await self._update(found, relation, fields, adopted=True)
            code = None
            written, sent = await _dropping_refused(fields, write, relation)
        return WrittenRelation(_reference(written), dropped=sent.dropped)

    async def _update(
        self, record: Dimension, relation: Relation, fields: RelationFields, *, adopted: bool
    ) -> WrittenRelation:
        async def write(values: RelationFields) -> None:
            body = overlay(record, values)
            if body is not None:
                await self._client.write_dimension(body)

        _, sent = await _dropping_refused(fields, write, relation)
        return WrittenRelation(_reference(record), adopted=adopted, dropped=sent.dropped)


async def _dropping_refused(
    fields: RelationFields, send: Callable[[RelationFields], Awaitable[T]], relation: Relation
) -> tuple[T, RelationFields]:
    """Send; when the refusal names an optional element, send again without it. A refusal wrote nothing."""
    tries = 0
    while True:
        try:
            return await send(fields), fields
        except TwinfieldRefused as refusal:
            tries += 1
            named = next((one.element for one in refusal.messages if one.element in fields.paths), None)
            if named is None or tries == TRIES:
                raise _placed(refusal, fields, relation) from None
            fields = fields.without(named)


def _placed(refusal: TwinfieldRefused, fields: RelationFields, relation: Relation) -> TwinfieldRefused:
    """Say which of ENK's fields is to blame."""
    paths = {**fields.paths, **_REQUIRED_PATHS}
    refusal.field = next((paths[one.element] for one in refusal.messages if one.element in paths), None)
    refusal.values = {
        "package": Package.TWINFIELD,
        "relation": relation.number,
        "problem": refusal.vendor_message,
        **refusal.values,
    }
    return refusal


def _reference(record: Dimension) -> RelationReference:
    return RelationReference(record.code, record.code)


def _fits_mask(number: str, mask: str) -> bool:
    """Whether a code matches; a mask that is not understood is left to Twinfield to judge."""
    if not mask:
        return True
    try:
        return re.fullmatch(mask, number) is not None
    except re.error:
        return True


def is_same_company(record: Dimension, relation: Relation) -> bool:
    """Whether a record is ENK's relation: by our reference, else KVK, else VAT id, else its name."""
    if record.reference == marker(relation):
        return True
    if record.reference.startswith("ENK "):
        return False
    if relation.kvk_number and record.kvk_number:
        return relation.kvk_number == _compact(record.kvk_number)
    if relation.vat_identifier and record.vat_number:
        return _compact(relation.vat_identifier) == _compact(record.vat_number)
    return one_line(record.name).casefold() == shorten(relation.name, LONGEST).casefold()


def _compact(text: str) -> str:
    return "".join(filter(str.isalnum, text.upper()))


def _code_of_another(relation: Relation, holder: Dimension) -> Refused:
    return Refused(
        Code.DUPLICATE_NUMBER,
        field="$.number",
        number=holder.code,
        relation=relation.number,
        problem_nl=f"code {holder.code} is in Twinfield van {holder.name}",
        problem_en=f"code {holder.code} belongs to {holder.name} in Twinfield",
    )
