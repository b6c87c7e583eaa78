"""A relation of ENK in SnelStart: the fields, and how it is found, created and updated.

    ENK relation                       SnelStart relatie
    role                               relatiesoort (one relation per role, never changed)
    number                             relatiecode (on creation only; a whole number)
    name                               naam (≤ 50, shortened)
    addresses: visiting, else another  vestigingsAdres (all of it or nothing)
    addresses: postal, else invoice    correspondentieAdres
    contact_person                     vestigingsAdres.contactpersoon (≤ 50, shortened)
    phone                              telefoon (≤ 25)
    email / invoice_email              email / factuurEmailVersturen.email (≤ 250)
    website                            websiteUrl (≤ 100)
    vat_identifier, kvk_number         btwNummer, kvkNummer
    bank_accounts: first normal one    iban, bic
    payment_terms.days                 krediettermijn
    id                                 memo, on creation only: by this it is recognised

Facts: `RelatieWriteModel` of the vendor's OpenAPI file; lengths from its error list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from schemas.relation import Address, AddressKind, BankAccountKind, Relation, Role
from sinks.shortening import fits, one_line, shorten
from sinks.snelstart_settings import RelationCode, SnelStartMapping
from vendors.snelstart.models import RelationKind, RelationRecord
from vendors.snelstart.wire import encode

LARGEST_CODE = 2**31 - 1
LONGEST_TERM = 1_000
_MARKER = "ENK-relatie "
SOORT: Mapping[Role, RelationKind] = {Role.DEBTOR: "Klant", Role.CREDITOR: "Leverancier"}
_READ_ONLY = frozenset(
    {"uri", "inkoopBoekingenUri", "verkoopBoekingenUri", "modifiedOn", "extraVeldenKlant", "documents"}
)

Country = Callable[[str], object | None]
"""From ENK's country code to what SnelStart wants for it; None when it has no such country."""


@dataclass(frozen=True)
class RelationFields:
    """What ENK has to say about a relation, in SnelStart's fields; nothing that ENK leaves empty.

    Attributes:
        values: SnelStart's field → value.
        paths: SnelStart's optional field → JSON path in ENK's relation.
        dropped: JSON paths of what cannot be said in SnelStart, or was refused by it.
    """

    values: Mapping[str, object]
    paths: Mapping[str, str]
    dropped: tuple[str, ...] = ()

    def without(self, names: tuple[str, ...]) -> RelationFields:
        """The same without some optional fields, which are then reported."""
        return replace(
            self,
            values={name: value for name, value in self.values.items() if name not in names},
            dropped=(*self.dropped, *(self.paths[name] for name in names)),
        )


def relation_fields(relation: Relation, country: Country) -> RelationFields:
    """Map a relation. Pure."""
    values: dict[str, object] = {"naam": shorten(relation.name, 50)}
    paths: dict[str, str] = {}
    dropped: list[str] = []

    def put(name: str, value: object | None, path: str, *, fitting: bool = True) -> None:
        if value in (None, ""):
            return
        if not fitting:
            dropped.append(path)
            return
        values[name] = value
        paths[name] = path

    visiting = _address(relation, AddressKind.VISITING, AddressKind.POSTAL, AddressKind.INVOICE)
    if visiting is not None:
        index, address = visiting
        put("vestigingsAdres", *_written(address, index, country), fitting=_complete(address, country))
    postal = _address(relation, AddressKind.POSTAL, AddressKind.INVOICE)
    if postal is not None and postal != visiting:
        index, address = postal
        put("correspondentieAdres", *_written(address, index, country), fitting=_complete(address, country))
    contact = shorten(relation.contact_person or "", 50)
    main = values.get("vestigingsAdres")
    if contact and isinstance(main, dict):
        main["contactpersoon"] = contact

    phone, email, invoice_email = map(_stripped, (relation.phone, relation.email, relation.invoice_email))
    website = _url(_stripped(relation.website))
    put("telefoon", phone, "$.phone", fitting=fits(phone, 25))
    put("email", email, "$.email", fitting=fits(email, 250))
    if invoice_email:
        value = {"shouldSend": False, "email": invoice_email, "ccEmail": None}
        put("factuurEmailVersturen", value, "$.invoice_email", fitting=fits(invoice_email, 250))
    put("websiteUrl", website, "$.website", fitting=fits(website, 100))
    put("btwNummer", relation.vat_identifier, "$.vat_identifier")
    put("kvkNummer", relation.kvk_number, "$.kvk_number")
    for index, account in enumerate(relation.bank_accounts):
        if account.kind is BankAccountKind.NORMAL:
            put("iban", account.iban, f"$.bank_accounts[{index}].iban")
            put("bic", account.bic, f"$.bank_accounts[{index}].bic")
            break
    days = relation.payment_terms.days
    put("krediettermijn", days, "$.payment_terms.days", fitting=days <= LONGEST_TERM)
    return RelationFields(values, paths, tuple(dropped))


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _url(text: str) -> str:
    return text if not text or "://" in text else f"https://{text}"


def _address(relation: Relation, *kinds: AddressKind) -> tuple[int, Address] | None:
    for kind in kinds:
        for index, address in enumerate(relation.addresses):
            if address.kind is kind and address.city.strip():
                return index, address
    return None


def _complete(address: Address, country: Country) -> bool:
    parts = (address.street, address.postcode, address.city)
    return (
        all(part.strip() for part in parts)
        and fits(address.postcode.strip(), 25)
        and (country(address.country) is not None)
    )


def _written(address: Address, index: int, country: Country) -> tuple[dict[str, object], str]:
    number = one_line(address.house_number)
    street = shorten(address.street, 50 - len(number) - 1) if number and len(number) < 30 else address.street
    value: dict[str, object] = {
        "straat": shorten(f"{street} {number}", 50),
        "postcode": address.postcode.strip(),
        "plaats": shorten(address.city, 50),
        "land": {"id": country(address.country)},
    }
    return value, f"$.addresses[{index}]"


def fingerprint(relation: Relation, role: Role) -> bytes:
    """Hash of what would be written. Pure."""
    fields = relation_fields(relation, country=lambda code: code)
    return hashlib.sha256(encode({"relatiesoort": SOORT[role], **fields.values})).digest()


def marker(relation: Relation) -> str:
    """What a relation that we created carries in its memo."""
    return _MARKER + one_line(relation.id)


def is_enk_relation(record: RelationRecord) -> bool:
    """Whether a record was created by us, for whichever relation of ENK."""
    return record.memo.startswith(_MARKER)


def relatiecode(relation: Relation, mapping: SnelStartMapping) -> int | None:
    """ENK's number as relatiecode; None when SnelStart numbers it, or cannot hold the number."""
    number = relation.number.strip()
    if mapping.relatiecode is RelationCode.SNELSTART or not (number.isascii() and number.isdecimal()):
        return None
    code = int(number)
    return code if 0 < code <= LARGEST_CODE else None


def is_same_company(record: RelationRecord, relation: Relation) -> bool | None:
    """Whether a record is ENK's relation: by memo, else KVK, else VAT id; None when none tells."""
    if marker(relation) in record.memo.splitlines():
        return True
    if is_enk_relation(record):
        return False
    if relation.kvk_number and record.kvk_nummer.strip():
        return relation.kvk_number == record.kvk_nummer.replace(" ", "")
    if relation.vat_identifier and record.btw_nummer.strip():
        return _vat(relation.vat_identifier) == _vat(record.btw_nummer)
    return None


def has_same_name(record: RelationRecord, relation: Relation) -> bool:
    """Whether the name is the same, in any case."""
    return one_line(record.naam).casefold() == shorten(relation.name, 50).casefold()


def _vat(text: str) -> str:
    # SnelStart gives a Dutch VAT id back without its country
    return "".join(filter(str.isalnum, text.upper())).removeprefix("NL")


def overlay(record: RelationRecord, fields: RelationFields) -> dict[str, object] | None:
    """The record with ENK's fields laid over it, for a PUT; None when it says all of it already."""
    body = {name: value for name, value in record.body.items() if name not in _READ_ONLY}
    changed = False
    for name, value in fields.values.items():
        held = body.get(name)
        if name == "btwNummer" and isinstance(held, str) and _vat(held) == _vat(str(value)):
            continue
        laid = _laid_over(held, value)
        changed = changed or laid != held
        body[name] = laid
    return body | {"id": str(record.id)} if changed else None


def _laid_over(held: object, value: object) -> object:
    if not isinstance(value, Mapping) or not isinstance(held, Mapping):
        return str(value) if isinstance(value, UUID) else value
    if (
        isinstance(value.get("id"), UUID | str)
        and str(held.get("id", "")).lower() == str(value["id"]).lower()
    ):
        return held
    if "shouldSend" in value:
        # whether SnelStart mails invoices itself is the bookkeeper's choice
        return {**held, "email": value["email"]}
    return {**held, **{name: _laid_over(held.get(name), part) for name, part in value.items()}}
