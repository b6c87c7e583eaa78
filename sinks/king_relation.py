"""A debtor or creditor as King knows it, before any XML: its number, search key, addresses and accounts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.outcome import Code
from schemas.relation import Address, AddressKind, BankAccount, BankAccountKind, Relation, Role
from sinks.contract import FileRelation, NumberNeed, NumberSpace
from sinks.king_post import wrong
from sinks.king_settings import KingMapping, RelationNumbers
from sinks.shortening import fits, one_line, shorten, spread

DIGITS = 10
_NUMBER = re.compile(r"[0-9]{1,10}")
_SPACES = {Role.DEBTOR: "king.debtors", Role.CREDITOR: "king.creditors"}


@dataclass(frozen=True)
class KingAddress:
    """KING_ADRES, in which King keeps the name; an empty value is left out."""

    name: tuple[str, ...]
    street: str = ""
    house_number: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class KingBankAccount:
    """NAW_BANKREKENING."""

    iban: str
    holder: str
    bic: str
    country: str
    default: bool
    domestic: bool


@dataclass(frozen=True)
class KingRelation:
    """DEBITEUR or CREDITEUR."""

    number: str
    search_key: str
    condition: str
    vat_code: str
    language: str
    vat_identifier: str
    kvk_number: str
    website: str
    address: KingAddress
    correspondence: KingAddress | None
    contact: str
    accounts: tuple[KingBankAccount, ...]
    blocked: bool


def relation_number(relation: Relation, role: Role, mapping: KingMapping) -> str | NumberNeed:
    """NAW_NUMMER: paragraph and ENK's number when that can be a King number, else one to be allotted.

    A number that ENK's would share with the allotted ones is allotted too: the two never meet.
    """
    allotted = mapping.allotted(role)
    if mapping.relation_numbers is RelationNumbers.ENK:
        own = relation.number
        if _NUMBER.fullmatch(own) and (mapping.number_width == 0 or len(own) <= mapping.number_width):
            number = mapping.prefix(role) + own.zfill(mapping.number_width)
            if number[0] != "0" and len(number) <= DIGITS and int(number) not in allotted:
                return number
    return NumberNeed(NumberSpace(_SPACES[role], allotted.first, allotted.last), relation.id)


def check_number(code: str, path: str) -> None:
    """Whether a code can be a NAW_NUMMER.

    Raises:
        Refused: it is not a number of at most 10 digits.
    """
    if len(code) > DIGITS:
        given = shorten(code, 60)
        raise wrong(
            Code.TOO_LONG,
            path,
            f"{given} is langer dan de {DIGITS} cijfers van een nummer in King",
            f"{given} is longer than the {DIGITS} digits of a number in King",
        )
    if not _NUMBER.fullmatch(code) or code[0] == "0":
        raise wrong(
            Code.BAD_FORMAT,
            path,
            f"{code} kan geen nummer in King zijn",
            f"{code} cannot be a number in King",
        )


def king_relation(document: FileRelation, mapping: KingMapping) -> KingRelation:
    """The relation with King's lengths.

    What would be wrong when shortened (e-mail, telephone, website) is left out when it is too long; what is
    left out keeps its value in King.

    Raises:
        Refused: its code cannot be a King number.
    """
    relation = document.relation
    check_number(document.code, "$.number")
    main, other = _addresses(relation)
    condition = mapping.payment_condition(relation)
    return KingRelation(
        number=document.code,
        search_key=_search_key(relation.search_name or "") or _search_key(relation.name) or document.code,
        condition="" if condition is None else str(condition),
        vat_code=mapping.relation_vat_code,
        language=mapping.language(relation),
        vat_identifier=relation.vat_identifier or "",
        kvk_number=relation.kvk_number or "",
        website=_whole(relation.website, 250),
        address=_address(relation, main, mapping, relation.email or relation.invoice_email),
        correspondence=_address(relation, other, mapping, relation.invoice_email or relation.email)
        if other
        else None,
        contact=shorten(relation.contact_person or "", 40),
        accounts=tuple(_accounts(relation, mapping)),
        blocked=relation.blocked,
    )


def _addresses(relation: Relation) -> tuple[Address | None, Address | None]:
    """Where it is, and where its post goes when that is elsewhere."""
    of_kind = {address.kind: address for address in reversed(relation.addresses)}
    post = of_kind.get(AddressKind.POSTAL) or of_kind.get(AddressKind.INVOICE)
    main = of_kind.get(AddressKind.VISITING) or post
    return main, post if post is not main else None


def _address(
    relation: Relation, address: Address | None, mapping: KingMapping, email: str | None
) -> KingAddress:
    name = spread(relation.name, (40, 40))
    reach = {"email": _whole(email, 80), "phone": _whole(relation.phone, 25)}
    if address is None:
        return KingAddress(name, **reach)
    street, house_number = one_line(address.street), one_line(address.house_number)
    if not fits(house_number, 10):
        street, house_number = f"{street} {house_number}", ""
    return KingAddress(
        name,
        street=shorten(street, 40),
        house_number=house_number,
        postcode=shorten(address.postcode, 40),
        city=shorten(address.city, 40),
        country=mapping.country(address.country),
        **reach,
    )


def _accounts(relation: Relation, mapping: KingMapping) -> Iterator[KingBankAccount]:
    """Every account once; the first that is no G-rekening is the one King pays to or collects from."""
    accounts: dict[str, BankAccount] = {}
    for account in relation.bank_accounts:
        accounts.setdefault(account.iban, account)
    default = next((a.iban for a in accounts.values() if a.kind is BankAccountKind.NORMAL), None)
    for iban, account in accounts.items():
        remark = " (G-rekening)" if account.kind is BankAccountKind.G_ACCOUNT else ""
        yield KingBankAccount(
            iban=iban,
            holder=shorten(account.holder or relation.name, 70 - len(remark)) + remark,
            bic=account.bic or "",
            country=mapping.country(iban[:2]),
            default=iban == default,
            domestic=iban.startswith("NL"),
        )


def _search_key(text: str) -> str:
    """NAW_ZOEKCODE: the first ten letters and digits, without accents, as capitals."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(c for c in plain if c.isascii() and c.isalnum())[:10].upper()


def _whole(text: str | None, limit: int) -> str:
    """A value that is worth nothing when shortened: whole, or not at all."""
    line = one_line(text or "")
    return line if fits(line, limit) else ""
