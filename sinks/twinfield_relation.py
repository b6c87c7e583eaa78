"""A relation of ENK as a dimension in Twinfield. Pure.

    ENK relation                        Twinfield dimension, type DEB or CRD
    number (when it fits the mask)      code
    name                                name (≤ 40, shortened), on every address as well
    search_name                         shortname (≤ 20, shortened)
    website                             website
    payment_terms.days                  financials/duedays
    id                                  financials/relationsreference `ENK <id>`, on creation only
    (mapping) control account           financials/substitutewith, when the mapping names it
    addresses: invoice, postal, else    the default address
      visiting
    addresses: postal, visiting         further addresses of type postal and contact
      contact_person                      field1 (≤ 40, shortened)
      street, house_number                field2 (≤ 40, shortened)
      vat_identifier, kvk_number          field4, field5 of the default address
      phone, e-mail                       telephone, email of the default address
    bank_accounts: normal               banks/bank; the first is the default
    bank_accounts: g_account            banks/bank blocked="true", creditors only

An update lays these over what is there: `sinks.twinfield_overlay`. Facts: vendor's documentation of
customers and suppliers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from schemas.relation import Address, AddressKind, BankAccountKind, Relation, Role
from sinks.shortening import fits, one_line, shorten
from sinks.twinfield_settings import TwinfieldMapping
from vendors.twinfield.models import DimensionType
from vendors.twinfield.wire import Element, element, encode, leaf

LONGEST = 40
LONGEST_SHORT_NAME = 20
_MARKER = "ENK "
TYPE: Mapping[Role, DimensionType] = {
    Role.DEBTOR: DimensionType.DEBTOR,
    Role.CREDITOR: DimensionType.CREDITOR,
}
_ADDRESS_TYPE = {
    AddressKind.INVOICE: "invoice",
    AddressKind.POSTAL: "postal",
    AddressKind.VISITING: "contact",
}


@dataclass(frozen=True)
class AddressFields:
    """One address: its type, whether it is the default, and Twinfield's fields, filled ones only."""

    type: str
    is_default: bool
    values: Mapping[str, str]


@dataclass(frozen=True)
class BankFields:
    """One bank account."""

    iban: str
    is_default: bool
    is_blocked: bool
    values: Mapping[str, str]


@dataclass(frozen=True)
class RelationFields:
    """What ENK has to say about a relation; nothing that ENK leaves empty.

    Attributes:
        paths: Twinfield's optional element → JSON path in ENK's relation.
        dropped: JSON paths of what does not fit, or was refused.
    """

    name: str
    top: Mapping[str, str]
    financials: Mapping[str, str]
    addresses: tuple[AddressFields, ...]
    banks: tuple[BankFields, ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def without(self, name: str) -> RelationFields:
        """The same without an optional element, which is then reported."""
        return replace(
            self,
            top=leaving_out(self.top, name),
            addresses=tuple(replace(one, values=leaving_out(one.values, name)) for one in self.addresses),
            banks=tuple(
                replace(one, values=leaving_out(one.values, name)) for one in self.banks if name != "iban"
            ),
            paths=leaving_out(self.paths, name),
            dropped=(*self.dropped, self.paths[name]),
        )


def leaving_out(values: Mapping[str, str], name: str) -> dict[str, str]:
    """The same values but one."""
    return {key: value for key, value in values.items() if key != name}


def relation_fields(relation: Relation, role: Role, mapping: TwinfieldMapping) -> RelationFields:
    """Map a relation."""
    name = shorten(relation.name, LONGEST)
    paths: dict[str, str] = {}
    dropped: list[str] = []

    def told(values: dict[str, str], tag: str, text: str | None, path: str, longest: int = LONGEST) -> None:
        stripped = one_line(text or "")
        if not stripped:
            return
        if not fits(stripped, longest):
            dropped.append(path)
            return
        values[tag] = stripped
        paths[tag] = path

    top: dict[str, str] = {}
    told(top, "shortname", shorten(relation.search_name or "", LONGEST_SHORT_NAME), "$.search_name")
    told(top, "website", relation.website, "$.website", 200)
    financials = {"duedays": str(relation.payment_terms.days)}
    if account := mapping.control_account(role):
        financials["substitutewith"] = account

    addresses = _addresses(relation, name)
    own = dict(addresses[0].values)
    first, second = relation.email, relation.invoice_email
    email, email_path = (first, "$.email") if first else (second, "$.invoice_email")
    if role is Role.DEBTOR and second:
        email, email_path = second, "$.invoice_email"
    told(own, "telephone", relation.phone, "$.phone")
    told(own, "email", email, email_path, 200)
    told(own, "field1", shorten(relation.contact_person or "", LONGEST), "$.contact_person")
    told(own, "field4", relation.vat_identifier, "$.vat_identifier")
    told(own, "field5", relation.kvk_number, "$.kvk_number")
    main = replace(addresses[0], values=own)
    kept = () if set(own) <= {"name"} else (main,)

    banks = _banks(relation, role, name)
    if banks:
        paths |= dict.fromkeys(("iban", "biccode", "ascription"), "$.bank_accounts")
    if relation.addresses:
        paths |= dict.fromkeys(("country", "city", "postcode", "field2"), "$.addresses")
    return RelationFields(name, top, financials, (*kept, *addresses[1:]), banks, paths, tuple(dropped))


def _addresses(relation: Relation, name: str) -> list[AddressFields]:
    """The default address first, which may hold no more than the name; then the others, a type once."""
    by_kind: dict[AddressKind, Address] = {}
    for address in relation.addresses:
        if address.city.strip() or address.street.strip():
            by_kind.setdefault(address.kind, address)
    order = (AddressKind.INVOICE, AddressKind.POSTAL, AddressKind.VISITING)
    main = next((kind for kind in order if kind in by_kind), None)
    rows = [AddressFields("invoice", True, {"name": name, **(_written(by_kind[main]) if main else {})})]
    for kind in order[1:]:
        if kind in by_kind and kind is not main:
            values = {"name": name, **_written(by_kind[kind])}
            rows.append(AddressFields(_ADDRESS_TYPE[kind], False, values))
    return rows


def _written(address: Address) -> dict[str, str]:
    number = one_line(address.house_number)
    street = address.street
    if number and len(number) < LONGEST // 2:
        street = shorten(street, LONGEST - len(number) - 1)
    values = {
        "country": address.country,
        "city": shorten(address.city, LONGEST),
        "postcode": one_line(address.postcode) if fits(one_line(address.postcode), 16) else "",
        "field2": shorten(f"{street} {number}", LONGEST),
    }
    return {tag: text for tag, text in values.items() if text}


def _banks(relation: Relation, role: Role, name: str) -> tuple[BankFields, ...]:
    rows: dict[str, BankFields] = {}
    has_default = False
    for account in relation.bank_accounts:
        is_blocked = account.kind is BankAccountKind.G_ACCOUNT
        if account.iban in rows or (is_blocked and role is Role.DEBTOR):
            continue
        holder = shorten(account.holder or (f"G-rekening {name}" if is_blocked else name), LONGEST)
        values = {"ascription": holder, "biccode": account.bic or "", "country": account.iban[:2]}
        is_default = not is_blocked and not has_default
        has_default = has_default or is_default
        filled = {tag: text for tag, text in values.items() if text}
        rows[account.iban] = BankFields(account.iban, is_default, is_blocked, filled)
    return tuple(rows.values())


def marker(relation: Relation) -> str:
    """What a relation that we created carries as its reference."""
    own = one_line(relation.id)
    if not fits(_MARKER + own, LONGEST):
        own = hashlib.sha256(own.encode()).hexdigest()[:32]
    return _MARKER + own


def fingerprint(relation: Relation, role: Role, mapping: TwinfieldMapping) -> bytes:
    """Hash of what would be written."""
    document = new_dimension(relation, relation_fields(relation, role, mapping), role, None, "", mapping)
    return hashlib.sha256(encode(document).encode()).digest()


def new_dimension(
    relation: Relation,
    fields: RelationFields,
    role: Role,
    code: str | None,
    office: str,
    mapping: TwinfieldMapping,
) -> Element:
    """The record of a relation that is not there yet; without a code, Twinfield numbers it."""
    document = element("dimension", leaf("office", office), leaf("type", TYPE[role]))
    if code is not None:
        document.append(leaf("code", code))
    document.append(leaf("name", fields.name))
    document.extend(leaf(tag, text) for tag, text in fields.top.items())
    financials = element("financials", *(leaf(tag, text) for tag, text in fields.financials.items()))
    financials.append(leaf("relationsreference", marker(relation)))
    document.append(financials)
    if fields.addresses:
        document.append(element("addresses", *(new_address(one) for one in fields.addresses)))
    if fields.banks:
        document.append(element("banks", *(new_bank(one) for one in fields.banks)))
    if mapping.g_account_percentage is not None and any(one.is_blocked for one in fields.banks):
        document.append(
            element(
                "blockedaccountpaymentconditions",
                leaf("percentage", f"{mapping.g_account_percentage:.2f}"),
                leaf("includevat", "false"),
            )
        )
    return document


def new_address(one: AddressFields) -> Element:
    """An address that is not there yet."""
    rows = [leaf(tag, text) for tag, text in one.values.items()]
    return element("address", *rows, type=one.type, default=_flag(one.is_default))


def new_bank(one: BankFields) -> Element:
    """A bank account that is not there yet: one without an id."""
    rows = [leaf(tag, text) for tag, text in one.values.items()]
    made = element("bank", *rows, leaf("iban", one.iban), default=_flag(one.is_default))
    if one.is_blocked:
        made.set("blocked", "true")
    return made


def _flag(value: bool) -> str:
    # `1` is refused
    return "true" if value else "false"
