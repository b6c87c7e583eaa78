"""The Finder: searches dimensions, daybooks, VAT codes, offices and unpaid invoices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from xml.sax.saxutils import escape

from vendors.simulation.books import Direction
from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.envelope import Envelope
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.refusal import BadRequest
from vendors.twinfield.simulator.transaction_answers import match_status, money

_STRINGS = "ArrayOfString"
_BY_CODE_OR_NAME, _BY_CODE, _BY_NAME, _BY_BANK, _BY_ADDRESS = range(5)


class FinderRefusal(Exception):
    """A search that cannot be done; the code is one of the vendor's."""

    def __init__(self, code: str, *parameters: str) -> None:
        super().__init__(code)
        self.code = code
        self.parameters = parameters


@dataclass(frozen=True)
class Search:
    """A search."""

    type: str
    pattern: str
    field: int
    first_row: int
    max_rows: int
    options: Mapping[str, str]


@dataclass(frozen=True)
class Hit:
    """Something that may be found: what is shown, and what else can be searched in."""

    items: Sequence[str]
    bank: Sequence[str] = ()
    address: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """What a search found."""

    total: int
    columns: Sequence[str]
    rows: Sequence[Hit]


def read_search(envelope: Envelope) -> Search:
    """The parameters of a search.

    Raises:
        BadRequest: a number is none, or an option is no pair.
    """
    options: dict[str, str] = {}
    element = envelope.element("options")
    for pair in [] if element is None else list(element):
        texts = [child.text or "" for child in pair]
        if len(texts) != 2:
            raise BadRequest("an option is not a pair")
        options[texts[0]] = texts[1]
    try:
        field, first, most = (int(envelope.text(name) or "") for name in ("field", "firstRow", "maxRows"))
    except ValueError as error:
        raise BadRequest("a number is missing or is none") from error
    return Search(envelope.text("type") or "", envelope.text("pattern") or "", field, first, most, options)


def search(company: TwinfieldOffice | None, offices: Mapping[str, TwinfieldOffice], wanted: Search) -> Found:
    """Search in the office of the options or of the header.

    Raises:
        FinderRefusal: an unknown type or option, a parameter out of range, no access to the office.
    """
    kind = _TYPES.get(wanted.type)
    if kind is None:
        raise FinderRefusal("InvalidFinderType", wanted.type)
    for name in wanted.options:
        if name not in kind.options:
            raise FinderRefusal("OptionNotAllowed", name)
    if not 0 <= wanted.field <= _BY_ADDRESS:
        raise FinderRefusal("ParameterOutOfRange", "field")
    if wanted.first_row < 1:
        raise FinderRefusal("ParameterTooSmall", "firstRow")
    if wanted.max_rows < 0:
        raise FinderRefusal("ParameterTooSmall", "maxRows")
    if wanted.type == "OFF":
        hits = [Hit((office.code, office.name)) for office in offices.values()]
        columns: Sequence[str] = ("Code", "Naam")
    else:
        office = _office(company, offices, wanted.options)
        language = 0 if office.settings.language == "nl" else 1
        columns, hits = kind.columns[language], kind.hits(office, wanted.options)
    found = [hit for hit in hits if _matches(hit, wanted)]
    end = None if wanted.max_rows == 0 else wanted.first_row - 1 + wanted.max_rows
    return Found(len(found), columns, found[wanted.first_row - 1 : end])


def _office(
    company: TwinfieldOffice | None, offices: Mapping[str, TwinfieldOffice], options: Mapping[str, str]
) -> TwinfieldOffice:
    if "office" in options and "company" in options:
        raise FinderRefusal("OptionCompanyAndOptionOfficeCannotBeBothProvided")
    code = options.get("office") or options.get("company")
    office = offices.get(code) if code else company
    if office is None:
        raise FinderRefusal("NoAccessToOffice", code or "")
    return office


def _matches(hit: Hit, wanted: Search) -> bool:
    pattern = wanted.pattern.lower().replace("[", "[[]") or "*"
    texts: Sequence[str] = {
        _BY_CODE_OR_NAME: hit.items[:2],
        _BY_CODE: hit.items[:1],
        _BY_NAME: hit.items[1:2],
        _BY_BANK: hit.bank,
        _BY_ADDRESS: hit.address,
    }[wanted.field]
    return any(fnmatchcase(text.lower(), pattern) for text in texts)


def _dimensions(office: TwinfieldOffice, options: Mapping[str, str]) -> list[Hit]:
    kind = options.get("dimtype")
    if kind is None:
        raise FinderRefusal("OptionMandatory", "dimtype")
    if kind not in chart.DIMENSION_TYPES:
        raise FinderRefusal("InvalidEnumerationOptionValue", "dimtype", kind)
    accounts = [
        Hit((account.code, account.name))
        for account in office.accounts.values()
        if account.kind == kind and account.active
    ]
    dimensions = [
        Hit(
            (dimension.code, dimension.name),
            [bank.value(tag) for bank in dimension.banks for tag in ("accountnumber", "iban")],
            [child.text for address in dimension.addresses for child in address.children],
        )
        for (known, _), dimension in office.dimensions.items()
        if known == kind and dimension.is_active
    ]
    return sorted([*accounts, *dimensions], key=lambda hit: hit.items[0])


def _daybooks(office: TwinfieldOffice, options: Mapping[str, str]) -> list[Hit]:
    category = options.get("category")
    return [
        Hit((daybook.code, daybook.name))
        for daybook in office.daybooks.values()
        if category in {None, daybook.category}
    ]


def _vat_codes(office: TwinfieldOffice, options: Mapping[str, str]) -> list[Hit]:
    kind = options.get("vattype")
    if kind not in {None, "sales", "purchase"}:
        raise FinderRefusal("InvalidEnumerationOptionValue", "vattype", kind or "")
    return [
        Hit((code.code, code.name))
        for code in office.vat_codes.values()
        if kind in {None, code.direction.value}
    ]


def _unpaid(office: TwinfieldOffice, options: Mapping[str, str]) -> list[Hit]:
    del options
    hits = []
    for booking in office.bookings.values():
        line = booking.relation_line
        if line is None or booking.direction is None or match_status(office, booking) == "matched":
            continue
        relation = office.relation(booking.direction, line.dim2)
        side = "C" if booking.direction is Direction.SALES else "D"
        name = relation.name if relation else ""
        hits.append(Hit((booking.invoice_number, money(abs(booking.open)), line.dim2, name, side)))
    return hits


_CODE_AND_NAME = (("Code", "Naam"), ("Code", "Name"))
_WHERE = frozenset({"office", "company"})


@dataclass(frozen=True)
class Type:
    """A kind of thing that can be searched: options, columns in Dutch and English, and the things."""

    options: frozenset[str]
    columns: tuple[Sequence[str], Sequence[str]]
    hits: Callable[[TwinfieldOffice, Mapping[str, str]], list[Hit]]


_TYPES: Mapping[str, Type] = {
    "DIM": Type(_WHERE | {"dimtype"}, _CODE_AND_NAME, _dimensions),
    "TRS": Type(_WHERE | {"category"}, _CODE_AND_NAME, _daybooks),
    "VAT": Type(_WHERE | {"vattype"}, _CODE_AND_NAME, _vat_codes),
    "IVT": Type(
        _WHERE,
        (
            ("Factuurnr.", "Bedrag", "Debiteur", "Naam", "Debet/credit"),
            ("Invoice no.", "Amount", "Customer", "Name", "Debit/credit"),
        ),
        _unpaid,
    ),
    "OFF": Type(frozenset(), _CODE_AND_NAME, lambda _office, _options: []),
}


def found_xml(found: Found) -> str:
    """The answer of a search."""
    items = "".join(_strings(_STRINGS, hit.items) for hit in found.rows)
    return (
        f"<SearchResult/><data><TotalRows>{found.total}</TotalRows>"
        f"{_strings('Columns', found.columns)}<Items>{items}</Items></data>"
    )


def refused_xml(refusal: FinderRefusal) -> str:
    """The answer of a search that cannot be done."""
    parameters = _strings("Parameters", refusal.parameters)
    return (
        "<SearchResult><MessageOfErrorCodes><Type>Error</Type>"
        f"<Text>{refusal.code}: {escape(', '.join(refusal.parameters))}</Text>"
        f"<Code>{refusal.code}</Code>{parameters}</MessageOfErrorCodes></SearchResult>"
    )


def _strings(tag: str, texts: Sequence[str]) -> str:
    inner = "".join(f"<string>{escape(text)}</string>" for text in texts)
    return f"<{tag}>{inner}</{tag}>"
