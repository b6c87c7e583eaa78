"""Finding, creating and updating relations in SnelStart, one relation per role.

A relation that carries our code is ours only when it is the same company in the same role. The second
role of a relation gets its own record, which SnelStart numbers, because a relatiecode is unique.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from uuid import UUID

from schemas.outcome import Code
from schemas.relation import Relation, Role
from sinks.contract import RelationReference, WrittenRelation
from sinks.shortening import shorten
from sinks.snelstart_reference import ReferenceData
from sinks.snelstart_relation import (
    SOORT,
    RelationFields,
    has_same_name,
    is_enk_relation,
    is_same_company,
    marker,
    overlay,
    relatiecode,
    relation_fields,
)
from sinks.snelstart_settings import SnelStartMapping
from vendors.failure import Refused
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.errors import SnelStartRefused
from vendors.snelstart.models import RelationRecord

TRIES = 4
CODE_IN_USE = "REL-0008"
_REQUIRED_PATHS = {"naam": "$.name", "relatiecode": "$.number", "relatiesoort": "$.roles"}

T = TypeVar("T")


class RelationWriter:
    """Relations of one administration."""

    def __init__(self, client: SnelStartClient, mapping: SnelStartMapping, reference: ReferenceData) -> None:
        self._client = client
        self._mapping = mapping
        self._reference = reference

    async def find(self, relation: Relation, role: Role) -> RelationReference | None:
        """The active relation that is ENK's, in that role: by our code, or by what we wrote into it."""
        record = await self._find(relation, role)
        return _reference(record) if record else None

    async def upsert(
        self, relation: Relation, role: Role, known: RelationReference | None
    ) -> WrittenRelation:
        """Create or update; optional fields that SnelStart refuses are left out and reported."""
        books = await self._reference.books()
        fields = relation_fields(relation, books.country)
        record = await self._client.relation(UUID(known.id)) if known else None
        if known and record is None:
            # deleted or made inactive in SnelStart since
            record = await self._find(relation, role)
        if record is None:
            return await self._create(relation, role, fields)
        if SOORT[role] not in record.relatiesoort:
            raise Refused(
                Code.BLOCKED_RELATION,
                f"relatie {record.relatiecode} is in SnelStart geen {SOORT[role]} (meer)",
                field="$.roles",
                relation=relation.number,
            )
        return await self._update(record, relation, fields, adopted=False)

    async def _find(self, relation: Relation, role: Role) -> RelationRecord | None:
        code = relatiecode(relation, self._mapping)
        if code is not None:
            holders = await self._client.relations_by_code(code)
            for holder in holders:
                if _is_ours(holder, relation, role) and not holder.nonactief:
                    return holder
            if not holders:
                # only when somebody else had our code did we create one without
                return None
        named = await self._client.relations_by_name(shorten(relation.name, 50))
        ours = [
            row
            for row in named
            if SOORT[role] in row.relatiesoort and not row.nonactief and is_same_company(row, relation)
        ]
        return ours[0] if ours else None

    async def _create(self, relation: Relation, role: Role, fields: RelationFields) -> WrittenRelation:
        code = relatiecode(relation, self._mapping)
        try:
            return await self._post(relation, role, fields, code)
        except SnelStartRefused as refusal:
            if code is None or not refusal.names(CODE_IN_USE):
                raise
            holders = await self._client.relations_by_code(code)
            for holder in holders:
                if _is_ours(holder, relation, role):
                    if holder.nonactief:
                        raise Refused(Code.BLOCKED_RELATION, relation=relation.number) from refusal
                    return await self._update(holder, relation, fields, adopted=True)
            strangers = [row for row in holders if not (_is_company(row, relation) or is_enk_relation(row))]
            if strangers or not holders:
                raise _code_of_another(relation, code, strangers) from refusal
        # the code went to the other role of this relation, or SnelStart gave it to the second role of another
        second = await self._find(relation, role)
        if second is not None:
            return await self._update(second, relation, fields, adopted=True)
        return await self._post(relation, role, fields, None)

    async def _post(
        self, relation: Relation, role: Role, fields: RelationFields, code: int | None
    ) -> WrittenRelation:
        fixed: dict[str, object] = {"relatiesoort": [SOORT[role]]} | (
            {} if code is None else {"relatiecode": code}
        )

        async def post(values: RelationFields) -> RelationRecord:
            return await self._client.create_relation(
                {**fixed, **values.values, "memo": marker(relation), "nonactief": False}
            )

        record, sent = await _dropping_refused(fields, post, relation)
        return WrittenRelation(_reference(record), dropped=sent.dropped)

    async def _update(
        self, record: RelationRecord, relation: Relation, fields: RelationFields, *, adopted: bool
    ) -> WrittenRelation:
        async def put(values: RelationFields) -> None:
            body = overlay(record, values)
            if body is not None:
                await self._client.update_relation(record.id, body)

        _, sent = await _dropping_refused(fields, put, relation)
        return WrittenRelation(_reference(record), adopted=adopted, dropped=sent.dropped)


async def _dropping_refused(
    fields: RelationFields, send: Callable[[RelationFields], Awaitable[T]], relation: Relation
) -> tuple[T, RelationFields]:
    """Send; when the refusal names optional fields, send again without them. A refusal wrote nothing."""
    for _ in range(TRIES):
        try:
            return await send(fields), fields
        except SnelStartRefused as refusal:
            named = tuple(name for name in refusal.fields if name in fields.paths and name in fields.values)
            if not named or refusal.names(CODE_IN_USE):
                raise _placed(refusal, fields, relation) from None
            fields = fields.without(named)
            last = refusal
    raise _placed(last, fields, relation)


def _placed(refusal: SnelStartRefused, fields: RelationFields, relation: Relation) -> SnelStartRefused:
    """Say which of ENK's fields is to blame."""
    paths: Mapping[str, str] = {**fields.paths, **_REQUIRED_PATHS}
    refusal.field = next((paths[name] for name in refusal.fields if name in paths), None)
    refusal.values = {"relation": relation.number, "problem": refusal.vendor_message, **refusal.values}
    return refusal


def _reference(record: RelationRecord) -> RelationReference:
    code = None if record.relatiecode is None else str(record.relatiecode)
    return RelationReference(str(record.id), code)


def _is_company(record: RelationRecord, relation: Relation) -> bool:
    same = is_same_company(record, relation)
    return has_same_name(record, relation) if same is None else same


def _is_ours(record: RelationRecord, relation: Relation, role: Role) -> bool:
    return SOORT[role] in record.relatiesoort and _is_company(record, relation)


def _code_of_another(relation: Relation, code: int, holders: list[RelationRecord]) -> Refused:
    names = ", ".join(holder.naam for holder in holders) or "een niet-actieve relatie"
    return Refused(
        Code.DUPLICATE_NUMBER,
        field="$.number",
        number=code,
        relation=relation.number,
        problem_nl=f"relatiecode {code} is in SnelStart van {names}",
        problem_en=f"relatiecode {code} belongs to {names} in SnelStart",
    )
