"""XML as Twinfield reads and writes it: nothing between elements, amounts without sign, compact dates."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

Element = etree._Element

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)


def element(tag: str, *children: Element | None, **attributes: str) -> Element:
    """An element with those children; None is left out."""
    made = etree.Element(tag, attributes)
    made.extend([child for child in children if child is not None])
    return made


def leaf(tag: str, text: str, **attributes: str) -> Element:
    """An element with a text."""
    made = etree.Element(tag, attributes)
    made.text = plain(text)
    return made


def filled(tag: str, text: str | None) -> Element | None:
    """An element with a text; None when there is none."""
    return leaf(tag, text) if text else None


def encode(root: Element) -> str:
    """A document as it is sent."""
    return etree.tostring(root, encoding="unicode")


def decode(text: str) -> Element:
    """A document as it was received.

    Raises:
        ValueError: it is not XML.
    """
    try:
        return etree.fromstring(text.encode(), _PARSER)
    except etree.XMLSyntaxError as failure:
        raise ValueError(f"no XML: {failure}") from failure


def text_at(node: Element, path: str) -> str:
    """The text of the first element at a path; empty when there is none."""
    return (node.findtext(path) or "").strip()


def amount(value: Decimal) -> str:
    """An amount without its sign, which is debit or credit."""
    return f"{abs(value):.2f}"


def decimal(text: str) -> Decimal:
    """An amount as Twinfield writes it.

    Raises:
        ValueError: it is no amount.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as failure:
        raise ValueError(f"{text!r} is no amount") from failure
    if not value.is_finite():
        raise ValueError(f"{text!r} is no amount")
    return value


def compact(day: date) -> str:
    """`YYYYMMDD`."""
    return f"{day:%Y%m%d}"


def day(text: str) -> date | None:
    """A date or date-time as Twinfield writes it; None for an empty one.

    Raises:
        ValueError: it is no date.
    """
    return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if text else None


def plain(text: str) -> str:
    """A text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
