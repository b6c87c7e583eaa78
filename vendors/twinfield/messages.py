"""Business messages: `msgtype`, `msg` and `result="0"` on any element, in the language of the user.

Which of our codes a message is follows from its words where we know them, in Dutch and in English, and
else from the element that it stands on, which is the same in every language. A warning blocks saving like
an error, because warnings are never switched off. Facts: the vendor's samples and recorded answers; several
texts on one element are joined by `//`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.outcome import Code
from vendors.twinfield.wire import Element, plain

_JOINED = "//"


@dataclass(frozen=True)
class VendorMessage:
    """One message as Twinfield wrote it.

    Attributes:
        element: the tag it stands on.
        text: its words.
        is_warning: not an error; all the same nothing was saved.
        line: the place of its line among the document's lines, from 0; None outside lines.
        part: `header`, or the type of its line: `total`, `detail`, `vat`; empty elsewhere.
        value: what the element holds.
    """

    element: str
    text: str
    is_warning: bool = False
    line: int | None = None
    part: str = ""
    value: str = ""

    def __str__(self) -> str:
        where = self.element if self.line is None else f"regel {self.line + 1} {self.element}"
        return f"[{where}] {self.text}"


def messages_of(root: Element) -> tuple[VendorMessage, ...]:
    """Every error and warning below an element, itself included, in order."""
    return tuple(_below(root, None, ""))


def _below(node: Element, line: int | None, part: str) -> Iterator[VendorMessage]:
    if not isinstance(node.tag, str):
        return
    text, kind = node.get("msg"), (node.get("msgtype") or "error").lower()
    if text and kind in ("error", "warning"):
        for one in text.split(_JOINED):
            words = plain(one).strip()
            if words:
                held = plain((node.text or "").strip())
                yield VendorMessage(node.tag, words, kind == "warning", line, part, held)
    place = -1
    for child in node:
        if child.tag == "line" and node.tag == "lines":
            place += 1
            yield from _below(child, place, child.get("type", ""))
        else:
            yield from _below(child, line, "header" if child.tag == "header" else part)


@dataclass(frozen=True)
class _Words:
    """A text that is known, on whichever element (or on one of `elements`)."""

    pattern: re.Pattern[str]
    code: Code
    elements: frozenset[str] = frozenset()


def _words(pattern: str, code: Code, *elements: str) -> _Words:
    return _Words(re.compile(pattern, re.IGNORECASE), code, frozenset(elements))


WORDS: tuple[_Words, ...] = (
    _words(r"factuurnummer .*komt reeds voor|invoice number .*already", Code.DUPLICATE_NUMBER),
    _words(r"geen toegang tot deze administratie|no access to this (company|office)", Code.AUTH_REVOKED),
    _words(r"administratie bestaat niet|(company|office) does not exist", Code.AUTH_REVOKED),
    _words(r"company ontbreekt in request header", Code.INTERNAL),
    _words(r"niet in balans|balanceert niet|not (in )?balanced?\b|out of balance", Code.UNBALANCED),
    _words(r"periode .*(bestaat niet|niet bestaat)|period .*does not exist", Code.YEAR_MISSING),
    _words(r"buiten de opgegeven periode|outside the (given|specified) period", Code.PERIOD_CLOSED),
    _words(r"periode .*(gesloten|afgesloten|geblokkeerd)|period .*(closed|blocked)", Code.PERIOD_CLOSED),
    _words(r"mist een btw[ -]?code|vat code .*(missing|required)", Code.NOT_FOUND_VAT),
    _words(r"is van het type .*btw-?type|btw-?type .* is\.?$", Code.VAT_MISMATCH),
    _words(r"\bbtw\b.*bestaat niet|\bvat\b.*does not exist", Code.NOT_FOUND_VAT),
    _words(r"vereist de specificatie van|requires .*(relation|cost cent)", Code.REQUIRED_FIELD),
    _words(r"niet aan het formaat|does not (match|comply with) the (format|mask)", Code.BAD_FORMAT),
    _words(r"moet worden ingevuld|mag niet leeg zijn|must (not be empty|be filled)", Code.REQUIRED_FIELD),
    _words(r"begunstigde is ongeldig|beneficiary is invalid", Code.BAD_FORMAT),
    _words(r"rekening-courant|intercompany", Code.MAPPING_MISSING),
    _words(r"type niet ge[iï]mplementeerd|mag niet worden aangeleverd|incorrecte xml", Code.INTERNAL),
)
"""Texts that are known, most telling first. The English ones are translations, not recorded."""

_ELEMENTS: Mapping[tuple[str, str], Code] = {
    ("header", "code"): Code.NOT_FOUND_JOURNAL,
    ("header", "invoicenumber"): Code.BAD_FORMAT,
    ("header", "period"): Code.PERIOD_CLOSED,
    ("header", "date"): Code.PERIOD_CLOSED,
    ("header", "duedate"): Code.BAD_FORMAT,
    ("header", "currency"): Code.CURRENCY_UNSUPPORTED,
    ("header", "office"): Code.AUTH_REVOKED,
    ("total", "dim1"): Code.NOT_FOUND_LEDGER_ACCOUNT,
    ("total", "dim2"): Code.NOT_FOUND_RELATION,
    ("detail", "dim1"): Code.NOT_FOUND_LEDGER_ACCOUNT,
    ("detail", "dim2"): Code.NOT_FOUND_COST_CENTRE,
    ("detail", "dim3"): Code.NOT_FOUND_PROJECT,
    ("detail", "vatcode"): Code.NOT_FOUND_VAT,
    ("detail", "vatvalue"): Code.VAT_MISMATCH,
    ("detail", "performancetype"): Code.MAPPING_MISSING,
    ("detail", "performancedate"): Code.BAD_FORMAT,
    ("detail", "performancecountry"): Code.REQUIRED_FIELD,
    ("detail", "performancevatnumber"): Code.REQUIRED_FIELD,
    ("vat", "dim1"): Code.NOT_FOUND_LEDGER_ACCOUNT,
    ("vat", "vatcode"): Code.NOT_FOUND_VAT,
}
"""By part of the document and element, where the words are not known."""

_ABSENT = re.compile(
    r"bestaat niet|komt niet voor|niet gevonden|niet actief|does not exist|not found|not active",
    re.IGNORECASE,
)


_CONSEQUENCES = (Code.UNBALANCED, Code.DUPLICATE_NUMBER)


def meaning_of(messages: tuple[VendorMessage, ...]) -> tuple[Code, VendorMessage | None]:
    """Our code for an answer's messages, and the message that decided; `internal` when none is known.

    What does not balance may be the consequence of anything else that is wrong, and a number that is taken
    is only looked up when nothing else is.
    """
    known = [(code, message) for message in messages if (code := code_of(message)) is not None]
    causes = [pair for pair in known if pair[0] not in _CONSEQUENCES]
    if causes:
        return causes[0]
    if not known or len(known) < len(messages):
        return Code.INTERNAL, messages[0] if messages else None
    return min(known, key=lambda pair: _CONSEQUENCES.index(pair[0]))


def code_of(message: VendorMessage) -> Code | None:
    """Our code for one message; None when neither its words nor its element are known."""
    for known in WORDS:
        if known.pattern.search(message.text) and (not known.elements or message.element in known.elements):
            return known.code
    if message.is_warning and message.element == "invoicenumber":
        # the only thing that is warned about there
        return Code.DUPLICATE_NUMBER
    return _ELEMENTS.get((message.part, message.element))


def says_absent(messages: tuple[VendorMessage, ...]) -> bool:
    """Whether what was asked for is not there: all that Twinfield says is that it does not exist."""
    return bool(messages) and all(_ABSENT.search(message.text) for message in messages)
