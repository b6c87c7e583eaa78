"""What King's importer accepts: the elements, their types, lengths and lists, and that every post balances.

King's schemas (debtors and creditors of 2016, journal of 2015) in our own words. Every file is held against
them before it is delivered. Within one element the children may stand in any order, each at most once;
only the lists repeat. There are no attributes and no namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lxml import etree

from sinks.king_types import Amount, Day, Integer, Leaf, Many, Node, OneOf, String

CENT = Decimal("0.01")
MOST_LINES = 999
LARGEST = Decimal("9999999999.99")


class InvalidKingFile(Exception):
    """A file that King would not read; `path` is the element at fault."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class Unbalanced(InvalidKingFile):
    """A post whose debit and credit differ."""


BOOL = OneOf(("false", "true", "False", "True", "FALSE", "TRUE", "0", "1"))
SIDE = OneOf(("DEB", "CRED"))
CODE = Integer(999)
NUMBER = Integer(10**10 - 1)

ADDRESS = Node(
    {
        "ADR_NAAM1": String(40),
        "ADR_NAAM2": String(40),
        "ADR_STRAAT": String(40),
        "ADR_HUISNUMMER": String(10),
        "ADR_POSTCODE": String(40),
        "ADR_WOONPLAATS": String(40),
        "ADR_LAND": String(3),
        "ADR_EMAIL": String(80),
        "ADR_TELEFOON": String(25),
    }
)
CONTACT = Node(
    {"CP_NUMMER": CODE, "CP_ACHTERNAAM": String(40)},
    frozenset({"CP_NUMMER"}),
)
BANK: dict[str, Leaf | Node | Many] = {
    "BANK_REKENINGNUMMER": String(34),
    "BANK_REKENINGHOUDER": String(70),
    "BANK_BIC": String(11),
    "BANK_LANDCODE": String(3),
    "BANK_ISDEFAULTREKENING": BOOL,
    "BANK_ISBINNENLAND": BOOL,
}
NAW: dict[str, Leaf | Node | Many] = {
    "NAW_NUMMER": NUMBER,
    "NAW_ZOEKCODE": String(10),
    "NAW_BETALINGSCONDITIE": CODE,
    "NAW_VALUTACODE": String(3),
    "NAW_BTWCODE": CODE,
    "NAW_TAALCODE": String(3),
    "NAW_BTWNUMMER": String(15),
    "NAW_KVKNUMMER": String(40),
    "NAW_WEBSITE": String(250),
    "NAW_VESTIGINGADRES": ADDRESS,
    "NAW_CORRESPONDENTIEADRES": ADDRESS,
    "NAW_CONTACTPERSONEN": Many("NAW_CONTACTPERSOON", CONTACT),
    "NAW_BANKREKENINGEN": Many("NAW_BANKREKENING", Node(BANK, frozenset({"BANK_REKENINGNUMMER"}))),
}
WE_REQUIRE = frozenset({"NAW_NUMMER", "NAW_ZOEKCODE", "NAW_VALUTACODE", "NAW_TAALCODE", "NAW_VESTIGINGADRES"})
"""More than the schema asks: without a number King makes a new relation each time."""

HULP = Node(
    {
        "HULP_SOORT": OneOf(("BTW", "BETVS", "KRSVS", "KREDBEP", "BETKORT")),
        "HULP_BTWCODE": CODE,
        "HULP_BOEKZIJDE": SIDE,
        "HULP_VALUTACODE": String(3),
        "HULP_VALUTABEDRAG": Amount(),
    },
    frozenset({"HULP_SOORT", "HULP_BOEKZIJDE", "HULP_VALUTACODE", "HULP_VALUTABEDRAG"}),
)
LINE = Node(
    {
        "JR_VOLGNUMMER": CODE,
        "JR_REKENINGNUMMER": String(28),
        "JR_BOEKZIJDE": SIDE,
        "JR_VALUTACODE": String(3),
        "JR_VALUTABEDRAG": Amount(),
        "JR_OMSCHRIJVING": String(40),
        "JR_FACTUURNUMMER": String(40),
        "JR_FACTUURDATUM": Day(),
        "JR_VERVALDATUM": Day(),
        "JR_BETALINGSKENMERK": String(24),
        "JR_ARCHIEFSTUK_EXTERN_ID": String(20),
        "JR_OPENSTAANDE_POST_GEFIATTEERD": BOOL,
        "HULPREKENING": HULP,
    },
    frozenset({"JR_REKENINGNUMMER", "JR_BOEKZIJDE", "JR_VALUTACODE", "JR_VALUTABEDRAG"}),
)
POST = Node(
    {
        "JP_DAGBOEKCODE": String(10),
        "JP_BOEKDATUM": Day(),
        "JP_STUKNUMMER": NUMBER,
        "JP_OMSCHRIJVING": String(40),
        "JOURNAALREGELS": Many("JOURNAALREGEL", LINE),
    },
    frozenset({"JP_DAGBOEKCODE", "JP_BOEKDATUM", "JOURNAALREGELS"}),
)
BATCH = Node(
    {
        "BG_OMSCHRIJVING": String(40),
        "BG_DEFINITIEF": OneOf(("false",)),
        "JOURNAALPOSTEN": Many("JOURNAALPOST", POST),
    },
    frozenset({"BG_DEFINITIEF", "JOURNAALPOSTEN"}),
)
ARCHIVED = Node(
    {
        "DAR_ARCHIEFSOORT": String(10),
        "DAR_BESTANDSNAAM": String(255),
        "DAR_EXTERN_ID": String(20),
        "DAR_DATUM": Day(),
        "DAR_EXTERNE_CODE": String(40),
        "DAR_NAW_SOORT": OneOf(("DEBITEUR", "CREDITEUR", "RELATIE", "GEEN", "NOG_TOEWIJZEN")),
        "DAR_VERWERKSOORT": OneOf(("GEEN", "INVOEREN_JOURNAALPOSTEN", "OVERIGE")),
    },
    frozenset({"DAR_ARCHIEFSOORT", "DAR_BESTANDSNAAM", "DAR_EXTERN_ID"}),
)
DEBTOR = Node({**NAW, "NAW_BLOKKEERORDERINVOER": BOOL}, WE_REQUIRE)
CREDITOR = Node({**NAW, "NAW_BLOKKERENVOORBESTELLEN": BOOL}, WE_REQUIRE)

ROOTS: Mapping[str, Node] = {
    "KING_DEBITEUREN": Node({"DEBITEUREN": Many("DEBITEUR", DEBTOR)}, frozenset({"DEBITEUREN"})),
    "KING_CREDITEUREN": Node({"CREDITEUREN": Many("CREDITEUR", CREDITOR)}, frozenset({"CREDITEUREN"})),
    "KING_DIGITAAL_ARCHIEF": Node(
        {"DIGITAAL_ARCHIEF": Many("DIGITAAL_ARCHIEFSTUK", ARCHIVED)}, frozenset({"DIGITAAL_ARCHIEF"})
    ),
    "KING_JOURNAAL": Node({"BOEKINGSGANGEN": Many("BOEKINGSGANG", BATCH)}, frozenset({"BOEKINGSGANGEN"})),
}


def validate(content: bytes) -> None:
    """Hold a whole file against King's rules.

    Raises:
        InvalidKingFile: an element, a type, a length or a list is not King's.
        Unbalanced: a post's debit and credit differ.
    """
    if not content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>'):
        raise InvalidKingFile("/", "no XML declaration with UTF-8, or a byte order mark before it")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidKingFile("/", f"not XML: {error}") from error
    rule = ROOTS.get(str(root.tag))
    if rule is None:
        raise InvalidKingFile("/", f"King has no file {root.tag}")
    check(root, rule)
    for post in root.iter("JOURNAALPOST"):
        balance(post)


def check(element: etree._Element, rule: Node | Many, path: str = "") -> None:
    """Hold one element with children against its rule.

    Raises:
        InvalidKingFile: the first thing that is not King's.
    """
    path = f"{path}/{element.tag}"
    if element.attrib:
        raise InvalidKingFile(path, "has attributes")
    if (element.text or "").strip():
        raise InvalidKingFile(path, "has text between its elements")
    children = list(element)
    if isinstance(rule, Many):
        if not children:
            raise InvalidKingFile(path, "is empty")
        for place, child in enumerate(children, start=1):
            if child.tag != rule.name:
                raise InvalidKingFile(path, f"{child.tag} does not belong here")
            check(child, rule.item, f"{path}[{place}]")
        return
    seen: set[str] = set()
    for child in children:
        name = str(child.tag)
        below = rule.children.get(name)
        if below is None:
            raise InvalidKingFile(path, f"{name} does not belong here")
        if name in seen:
            raise InvalidKingFile(path, f"{name} occurs twice")
        seen.add(name)
        if isinstance(below, Node | Many):
            check(child, below, path)
        else:
            _check_value(child, below, name in rule.required, f"{path}/{name}")
    missing = rule.required - seen
    if missing:
        raise InvalidKingFile(path, f"{', '.join(sorted(missing))} is missing")


def balance(post: etree._Element) -> None:
    """Add up one JOURNAALPOST, help accounts included.

    Raises:
        Unbalanced: debit and credit differ.
    """
    total = Decimal(0)
    for side, amount in (("JR_BOEKZIJDE", "JR_VALUTABEDRAG"), ("HULP_BOEKZIJDE", "HULP_VALUTABEDRAG")):
        for element in post.iter(amount):
            parent = element.getparent()
            sign = 1 if parent is not None and parent.findtext(side) == "DEB" else -1
            total += sign * Decimal(element.text or "0")
    if total != 0:
        raise Unbalanced("JOURNAALPOST", f"debit and credit differ {total}")


def _check_value(element: etree._Element, rule: Leaf, required: bool, path: str) -> None:
    if element.attrib or len(element):
        raise InvalidKingFile(path, "is more than a value")
    text = element.text or ""
    if not text.strip():
        if required:
            raise InvalidKingFile(path, "is empty")
        return
    problem = rule.problem(text)
    if problem is not None:
        raise InvalidKingFile(path, problem)
