"""XML documents as plain objects: read strictly, annotated with messages, written without white space."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class InvalidXml(Exception):
    """A text that is no acceptable document: not well-formed, with a DTD, a namespace or a comment."""


@dataclass
class Node:
    """An element. A leaf has text; an element with children has none."""

    tag: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def child(self, tag: str) -> Node | None:
        """The first child with a tag."""
        return next((node for node in self.children if node.tag == tag), None)

    def all(self, tag: str) -> list[Node]:
        """Every child with a tag."""
        return [node for node in self.children if node.tag == tag]

    def value(self, tag: str) -> str:
        """The text of the first child with a tag; empty when there is none."""
        node = self.child(tag)
        return "" if node is None else node.text

    def add(self, tag: str, text: str = "", **attributes: str) -> Node:
        """Append a child; returns it."""
        node = Node(tag, text, dict(attributes))
        self.children.append(node)
        return node

    def put(self, tag: str, text: str = "", **attributes: str) -> Node:
        """The child with a tag, made when it is not there; text and attributes are set."""
        node = self.child(tag)
        if node is None:
            return self.add(tag, text, **attributes)
        node.text = text
        node.attributes.update(attributes)
        return node

    def complain(self, message: str, kind: str = "error") -> None:
        """Say on this element what is wrong with it; a second message is joined to the first."""
        before = self.attributes.get("msg")
        if before is not None:
            if message not in before.split("//"):
                self.attributes["msg"] = f"{before}//{message}"
            return
        self.attributes |= {"msgtype": kind, "msg": message, "result": "0"}

    def fail(self) -> None:
        """Mark as failed because of something inside."""
        self.attributes["result"] = "0"

    def walk(self) -> Iterator[Node]:
        """This element and everything inside."""
        yield self
        for node in self.children:
            yield from node.walk()

    @property
    def messages(self) -> list[str]:
        """Every message on this element and inside."""
        return [node.attributes["msg"] for node in self.walk() if "msg" in node.attributes]

    @property
    def has_failed(self) -> bool:
        """Whether anything was said of this element or inside."""
        return any(node.attributes.get("result") == "0" for node in self.walk())

    def copy(self) -> Node:
        """A deep copy."""
        return Node(self.tag, self.text, dict(self.attributes), [node.copy() for node in self.children])

    def render(self) -> str:
        """As XML, without a declaration."""
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes.items())
        if not self.text and not self.children:
            return f"<{self.tag}{attributes}/>"
        inner = "".join(node.render() for node in self.children) if self.children else escape(self.text)
        return f"<{self.tag}{attributes}>{inner}</{self.tag}>"


def parse_document(text: str) -> Node:
    """Read a document as it stands in the text of a request.

    Raises:
        InvalidXml: it is none that may be sent.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(_DECLARATION.sub("", text).encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidXml(str(error)) from error
    if "<!DOCTYPE" in text:
        raise InvalidXml("a document type is not allowed")
    return node_of(root)


def node_of(element: etree._Element) -> Node:
    """An element and what is inside.

    Raises:
        InvalidXml: a comment, a namespace, or text beside elements.
    """
    tag = element.tag
    if not isinstance(tag, str):
        raise InvalidXml("comments and processing instructions are not allowed")
    if tag.startswith("{"):
        raise InvalidXml(f"the element {tag} has a namespace")
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    children = [node_of(child) for child in element]
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    if children and any(piece.strip() for piece in pieces):
        raise InvalidXml(f"the element {tag} has text beside elements")
    return Node(tag, "" if children else pieces[0], attributes, children)
