"""A strict reader of King's import files: a file is what the rules say, or every fault of it is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from vendors.king.rules import ROOTS, Block, Element, Leaf, Many, Root

MOST_FAULTS = 100
"""Faults that one report names."""


class Faulty(Exception):
    """The file does not follow King's schemas; every fault with its line."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Node:
    """A block that was read: the texts of its leaves (empty ones left out), its blocks and its lists."""

    texts: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, Node] = field(default_factory=dict)
    lists: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    line: int = 0
    source: bytes = b""

    def get(self, name: str) -> str | None:
        """The text of a leaf; None when it is absent or empty."""
        return self.texts.get(name)

    def __getitem__(self, name: str) -> str:
        """The text of a leaf that must be there."""
        return self.texts[name]


@dataclass(frozen=True)
class KingFile:
    """A file that follows the schemas."""

    root: Root
    content: Node


def read_file(content: bytes) -> KingFile:
    """Read a file.

    Raises:
        Faulty: it is not well-formed, not in UTF-8, or breaks a rule of the schemas.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Faulty(f"regel {error.lineno or 1}: geen geldige XML: {error.msg}") from error
    info = tree.getroottree().docinfo
    faults: list[str] = []
    if getattr(info, "doctype", ""):
        faults.append("regel 1: een DOCTYPE is niet toegestaan")
    if (info.encoding or "").upper() != "UTF-8":
        faults.append(f"regel 1: codering {info.encoding} in plaats van UTF-8")
    name = str(tree.tag)
    root = ROOTS.get(name)
    if root is None:
        raise Faulty(*faults, f"regel {_line(tree)}: onbekend bestand {name}")
    node = _block(tree, root.content, faults)
    if faults:
        raise Faulty(*faults[:MOST_FAULTS])
    return KingFile(root, node)


def _fault(element: etree._Element, faults: list[str], what: str) -> None:
    faults.append(f"regel {_line(element)}: {element.tag}: {what}")


def _line(element: etree._Element) -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 0


def _attributes(element: etree._Element, faults: list[str]) -> None:
    for attribute in element.attrib:
        _fault(element, faults, f"attribuut {attribute!s} is niet toegestaan")
    if element.nsmap:
        _fault(element, faults, "een namespace is niet toegestaan")


def _children(element: etree._Element, faults: list[str]) -> list[etree._Element]:
    """The child elements; text between them is a fault."""
    texts = [element.text, *(child.tail for child in element)]
    if any(text is not None and text.strip() for text in texts):
        _fault(element, faults, "tekst tussen de elementen")
    return [child for child in element if isinstance(child.tag, str)]


def _block(element: etree._Element, rule: Block, faults: list[str]) -> Node:
    _attributes(element, faults)
    texts: dict[str, str] = {}
    blocks: dict[str, Node] = {}
    lists: dict[str, tuple[Node, ...]] = {}
    seen: set[str] = set()
    for child in _children(element, faults):
        name = str(child.tag)
        known: Element | None = rule.children.get(name)
        if known is None:
            _fault(child, faults, f"onbekend element in {element.tag}")
            continue
        if name in seen:
            _fault(child, faults, f"meer dan eens in {element.tag}")
            continue
        seen.add(name)
        match known:
            case Leaf():
                text = _leaf(child, known, faults)
                if text:
                    texts[name] = text
            case Block():
                blocks[name] = _block(child, known, faults)
            case Many():
                lists[name] = _many(child, known, faults)
    for name, known in rule.children.items():
        if known.mandatory and name not in seen:
            _fault(element, faults, f"{name} ontbreekt")
    return Node(texts, blocks, lists, _line(element), etree.tostring(element, encoding="UTF-8"))


def _many(element: etree._Element, rule: Many, faults: list[str]) -> tuple[Node, ...]:
    _attributes(element, faults)
    found: list[Node] = []
    for child in _children(element, faults):
        if child.tag != rule.name:
            _fault(child, faults, f"onbekend element in {element.tag}")
            continue
        found.append(_block(child, rule.item, faults))
    if not found:
        _fault(element, faults, f"geen enkel {rule.name}")
    return tuple(found)


def _leaf(element: etree._Element, rule: Leaf, faults: list[str]) -> str:
    _attributes(element, faults)
    if any(isinstance(child.tag, str) for child in element):
        _fault(element, faults, "bevat elementen in plaats van tekst")
        return ""
    text = "".join(str(part) for part in element.itertext())
    if not text.strip():
        if not rule.may_be_empty:
            _fault(element, faults, "is leeg")
        return ""
    problem = rule.check(text)
    if problem is not None:
        _fault(
            element,
            faults,
            f"'{text[:60]}' is {problem}" if not problem.startswith(("langer", "mag")) else problem,
        )
    return text
