"""King's import schemas in our own words: elements, types, lengths, which must be there.

From the vendor's schemas (debtors and creditors of 19-09-2016, journal of 04-03-2015): no namespace, no
attributes, the children of a block in any order and each at most once, an optional number or date may be an
empty element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

Check = Callable[[str], str | None]
"""What is wrong with a text, in Dutch; None when nothing is."""

BOOLEANS = frozenset({"false", "true", "False", "True", "FALSE", "TRUE", "0", "1"})


@dataclass(frozen=True)
class Leaf:
    """An element with text."""

    check: Check
    mandatory: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True)
class Block:
    """An element with elements, each at most once, in any order."""

    children: Mapping[str, Leaf | Block | Many]
    mandatory: bool = False


@dataclass(frozen=True)
class Many:
    """An element that holds one kind of block, once or more."""

    name: str
    item: Block
    mandatory: bool = False


Element = Leaf | Block | Many


def text(limit: int, *, mandatory: bool = False) -> Leaf:
    """A string of at most `limit` characters."""

    def check(value: str) -> str | None:
        return f"langer dan {limit} tekens" if len(value) > limit else None

    return Leaf(check, mandatory, may_be_empty=not mandatory)


def number(largest: int, *, mandatory: bool = False) -> Leaf:
    """A whole number from 0 to `largest`."""

    def check(value: str) -> str | None:
        plain = value.strip()
        if re.fullmatch(r"[0-9]{1,20}", plain) and int(plain) <= largest:
            return None
        return f"geen geheel getal van 0 tot en met {largest}"

    return Leaf(check, mandatory, may_be_empty=not mandatory)


def amount(*, mandatory: bool = False, negative: bool = True) -> Leaf:
    """A decimal with a dot, at most two decimals and twelve digits."""

    def check(value: str) -> str | None:
        match = re.fullmatch(r"([+-]?)(\d*)(?:\.(\d{1,2}))?", value.strip())
        if match is None or not (match[2] or match[3]) or len(match[2] + (match[3] or "")) > 12:
            return "geen bedrag met een punt, ten hoogste 2 decimalen en 12 cijfers"
        return "mag niet negatief zijn" if match[1] == "-" and not negative else None

    return Leaf(check, mandatory, may_be_empty=not mandatory)


def day(*, mandatory: bool = False) -> Leaf:
    """A date, `JJJJ-MM-DD`."""

    def check(value: str) -> str | None:
        return _date_problem(value.strip(), r"\d{4}-\d{2}-\d{2}", date.fromisoformat)

    return Leaf(check, mandatory, may_be_empty=not mandatory)


def moment() -> Leaf:
    """A date with a time, `JJJJ-MM-DDTHH:MM:SS`."""

    def check(value: str) -> str | None:
        return _date_problem(value.strip(), r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", datetime.fromisoformat)

    return Leaf(check, may_be_empty=True)


def _date_problem(value: str, form: str, parse: Callable[[str], object]) -> str | None:
    if re.fullmatch(form, value) is None:
        return "geen datum van de vorm JJJJ-MM-DD"
    try:
        parse(value)
    except ValueError:
        return "een datum die niet bestaat"
    return None


def one_of(*values: str, mandatory: bool = False, may_be_empty: bool = False) -> Leaf:
    """A value of a closed list."""

    def check(value: str) -> str | None:
        return None if value in values else f"niet een van {', '.join(values)}"

    return Leaf(check, mandatory, may_be_empty)


def boolean() -> Leaf:
    """One of the eight spellings of true and false."""
    return one_of(*sorted(BOOLEANS))


def is_true(value: str | None, *, default: bool) -> bool:
    """What a boolean element says."""
    return default if value is None else value.lower() in {"true", "1"}


LONGEST_NUMBER = 9_999_999_999

ADDRESS = Block(
    {
        "ADR_NAAM1": text(40),
        "ADR_NAAM2": text(40),
        "ADR_STRAAT": text(40),
        "ADR_HUISNUMMER": text(10),
        "ADR_POSTCODE": text(40),
        "ADR_WOONPLAATS": text(40),
        "ADR_LAND": text(3),
        "ADR_EMAIL": text(80),
        "ADR_TELEFOON": text(25),
        "ADR_TELEFOON2": text(25),
        "ADR_TELEFAX": text(25),
        "ADR_EAN": text(13),
    }
)
CONTACT = Block(
    {
        "CP_NUMMER": number(999, mandatory=True),
        "CP_ACHTERNAAM": text(40),
        "CP_VOORNAAM": text(40),
        "CP_VOORLETTERS": text(15),
        "CP_GESLACHT": one_of("ONBEKEND", "MAN", "VROUW"),
        "CP_EMAIL": text(80),
        "CP_TELEFOON": text(25),
    }
)
FREE_FIELD = Block({"NAW_VRIJERUBRIEK_NAAM": text(40), "NAW_VRIJERUBRIEK_WAARDE": text(1000)})

_BANK: Mapping[str, Element] = {
    "BANK_REKENINGNUMMER": text(34, mandatory=True),
    "BANK_REKENINGHOUDER": text(70),
    "BANK_BIC": text(11),
    "BANK_LANDCODE": text(3),
    "BANK_ISDEFAULTREKENING": boolean(),
    "BANK_ISBINNENLAND": boolean(),
}


def _relation(bank_field: str, own: Mapping[str, Element]) -> Block:
    shared: Mapping[str, Element] = {
        "NAW_NUMMER": number(LONGEST_NUMBER),
        "NAW_ZOEKCODE": text(10),
        "NAW_BETALINGSCONDITIE": number(999),
        "NAW_LEVERINGSCONDITIE": number(999),
        "NAW_VALUTACODE": text(3),
        "NAW_BTWCODE": number(999),
        "NAW_TAALCODE": text(3),
        "NAW_KREDIETLIMIET": amount(negative=False),
        "NAW_TEGENREKENING": text(28),
        "NAW_BTWNUMMER": text(15),
        "NAW_KVKNUMMER": text(40),
        "NAW_WEBSITE": text(250),
        "NAW_OPMERKING": text(100_000),
        "NAW_VESTIGINGADRES": ADDRESS,
        "NAW_CORRESPONDENTIEADRES": ADDRESS,
        "NAW_CONTACTPERSONEN": Many("NAW_CONTACTPERSOON", CONTACT),
        "NAW_BANKREKENINGEN": Many("NAW_BANKREKENING", Block({**_BANK, bank_field: boolean()})),
        "NAW_VRIJERUBRIEKEN": Many("NAW_VRIJERUBRIEK", FREE_FIELD),
    }
    return Block({**shared, **own})


DEBTOR = _relation(
    "BANK_ISINCASSOREKENING",
    {
        "NAW_AANMANINGSTYPE": one_of("AANMANING", "REKENINGOVERZICHT", "GEEN", may_be_empty=True),
        "NAW_FACTURERENINEXBTW": one_of("EXCLBTW", "INCLBTW", may_be_empty=True),
        "NAW_BLOKKEERORDERINVOER": boolean(),
    },
)
CREDITOR = _relation(
    "BANK_ISBETALINGSOPDRACHTENREKENING",
    {"NAW_ONSDEBITEURNUMMER": text(20), "NAW_BLOKKERENVOORBESTELLEN": boolean()},
)

SIDE = one_of("DEB", "CRED", mandatory=True)

HELPER_ACCOUNT = Block(
    {
        "HULP_SOORT": one_of("BTW", "BETVS", "KRSVS", "KREDBEP", "BETKORT", mandatory=True),
        "HULP_BTWCODE": number(999),
        "HULP_REKENINGNUMMER": text(28),
        "HULP_BOEKZIJDE": SIDE,
        "HULP_VALUTACODE": text(3, mandatory=True),
        "HULP_VALUTABEDRAG": amount(mandatory=True),
    }
)
LINE = Block(
    {
        "JR_VOLGNUMMER": number(999),
        "JR_REKENINGNUMMER": text(28, mandatory=True),
        "JR_BOEKDATUM": day(),
        "JR_BOEKZIJDE": SIDE,
        "JR_VALUTACODE": text(3, mandatory=True),
        "JR_VALUTABEDRAG": amount(mandatory=True),
        "JR_OMSCHRIJVING": text(40),
        "JR_FACTUURNUMMER": text(40),
        "JR_FACTUURDATUM": day(),
        "JR_VERVALDATUM": day(),
        "JR_BETALINGSKENMERK": text(24),
        "JR_AANTAL": amount(),
        "JR_ARCHIEFSTUK_EXTERN_ID": text(20),
        "JR_ARCHIEFSTUK_NUMMER": text(20),
        "JR_OPENSTAANDE_POST_GEFIATTEERD": boolean(),
        "JR_OPENSTAANDE_POST_FIATTERING_GEWIJZIGD_DOOR": text(40),
        "JR_OPENSTAANDE_POST_FIATTERING_GEWIJZIGD_OP": moment(),
        "HULPREKENING": HELPER_ACCOUNT,
    }
)
POST = Block(
    {
        "JP_DAGBOEKCODE": text(10, mandatory=True),
        "JP_BOEKDATUM": day(),
        "JP_STUKNUMMER": number(LONGEST_NUMBER),
        "JP_OMSCHRIJVING": text(40),
        "JOURNAALREGELS": Many("JOURNAALREGEL", LINE, mandatory=True),
    }
)
BATCH = Block(
    {
        "BG_OMSCHRIJVING": text(40),
        "BG_DEFINITIEF": boolean(),
        "JOURNAALPOSTEN": Many("JOURNAALPOST", POST, mandatory=True),
    }
)
ARCHIVED = Block(
    {
        "DAR_ARCHIEFSOORT": text(10, mandatory=True),
        "DAR_BESTANDSNAAM": text(255, mandatory=True),
        "DAR_EXTERN_ID": text(20),
        "DAR_DATUM": day(),
        "DAR_EXTERNE_CODE": text(40),
        "DAR_OMSCHRIJVING": text(40),
        "DAR_NAW_SOORT": one_of("DEBITEUR", "CREDITEUR", "RELATIE", "GEEN", "NOG_TOEWIJZEN"),
        "DAR_NAW_NUMMER": number(LONGEST_NUMBER),
        "DAR_VERWERKSOORT": one_of("GEEN", "INVOEREN_JOURNAALPOSTEN", "OVERIGE"),
    }
)


@dataclass(frozen=True)
class Root:
    """A kind of file: its root, and the order in which King must read it."""

    name: str
    content: Block
    rank: int = field(default=0)


ROOTS: Mapping[str, Root] = {
    root.name: root
    for root in (
        Root("KING_DEBITEUREN", Block({"DEBITEUREN": Many("DEBITEUR", DEBTOR, mandatory=True)}), 0),
        Root("KING_CREDITEUREN", Block({"CREDITEUREN": Many("CREDITEUR", CREDITOR, mandatory=True)}), 1),
        Root(
            "KING_DIGITAAL_ARCHIEF",
            Block({"DIGITAAL_ARCHIEF": Many("DIGITAAL_ARCHIEFSTUK", ARCHIVED, mandatory=True)}),
            2,
        ),
        Root("KING_JOURNAAL", Block({"BOEKINGSGANGEN": Many("BOEKINGSGANG", BATCH, mandatory=True)}), 3),
    )
}
