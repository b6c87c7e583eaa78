"""SOAP calls: read far enough to tell what is asked by whom, and answered when they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from aiohttp import web

from vendors.simulation.faults import CallKind
from vendors.twinfield.simulator import envelope, finder
from vendors.twinfield.simulator.envelope import Envelope
from vendors.twinfield.simulator.messages import Language
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.process_xml import Desk, kind_of, office_named, operation_of, process
from vendors.twinfield.simulator.refusal import BadRequest, ClientFault, Denied
from vendors.twinfield.simulator.tree import InvalidXml, Node, node_of, parse_document

_OPERATIONS = {
    "webservices/processxml.asmx": frozenset({"ProcessXmlString", "ProcessXmlDocument"}),
    "webservices/finder.asmx": frozenset({"Search"}),
}


@dataclass(frozen=True)
class Asked:
    """A call. `problem` is why it cannot be answered, found before it was known whose call it is."""

    soap: str = envelope.SOAP_11
    method: str = ""
    operation: str = "unknown"
    kind: CallKind = CallKind.READ
    token: str | None = None
    company: str | None = None
    office: str = ""
    document: Node | None = None
    search: finder.Search | None = None
    problem: BadRequest | ClientFault | Denied | None = None

    @property
    def media(self) -> str:
        """The media type of the answer."""
        return envelope.MEDIA[self.soap]


def read_request(request: web.Request, service: str, body: bytes) -> Asked:
    """Read a call as far as that can be done."""
    headers = request.headers
    try:
        read = envelope.read_envelope(
            body, request.content_type, headers.get("Content-Type", ""), headers.get("SOAPAction")
        )
        if read.operation not in _OPERATIONS[service]:
            raise ClientFault(f"{read.operation} is not available.")
    except (BadRequest, ClientFault) as problem:
        return Asked(problem=problem)
    try:
        return _read_search(read) if read.operation == "Search" else _read_document(read)
    except BadRequest as problem:
        return Asked(read.soap, read.operation, token=read.token, company=read.company, problem=problem)
    except InvalidXml as problem:
        return Asked(
            read.soap,
            read.operation,
            token=read.token,
            company=read.company,
            problem=Denied(187, detail=str(problem)),
        )


def _read_search(read: Envelope) -> Asked:
    wanted = finder.read_search(read)
    named = wanted.options.get("office") or wanted.options.get("company") or read.company or ""
    return Asked(
        read.soap,
        read.operation,
        f"finder.{wanted.type}",
        CallKind.READ,
        read.token,
        read.company,
        named,
        search=wanted,
    )


def _read_document(read: Envelope) -> Asked:
    if read.operation == "ProcessXmlDocument":
        element = read.element("xmlRequest")
        if element is None or len(element) != 1:
            raise BadRequest("not one document")
        root = node_of(element[0])
    else:
        root = parse_document(read.text("xmlRequest") or "")
    return Asked(
        read.soap,
        read.operation,
        operation_of(root),
        kind_of(root),
        read.token,
        read.company,
        office_named(root) or read.company or "",
        document=root,
    )


def answer(asked: Asked, offices: Mapping[str, TwinfieldOffice], language: Language) -> tuple[str, str]:
    """The envelope of the answer, and the messages of what was refused in it.

    Raises:
        Denied: the call is refused as a whole.
        BadRequest: a transaction has too many lines.
    """
    company = offices.get(asked.company or "")
    if asked.search is not None:
        return _search(asked, asked.search, company, offices)
    assert asked.document is not None
    named = offices.get(asked.office)
    result = process(Desk(company or named, offices, language), asked.document)
    tag = f"{asked.method}Result"
    if asked.method == "ProcessXmlDocument":
        # The document has no namespace, the envelope around it has one.
        inner = Node(result.tag, result.text, {"xmlns": "", **result.attributes}, result.children).render()
    else:
        inner = escape(result.render())
    text = envelope.answer(asked.soap, asked.method, f"<{tag}>{inner}</{tag}>")
    return text, _said(result)


def _said(result: Node) -> str:
    """What was said of what failed; empty when all of it took effect."""
    if result.attributes.get("result") != "0":
        return ""
    if any(child.attributes.get("result") == "1" for child in result.children):
        return ""
    return " | ".join(result.messages) or "result=0"


def _search(
    asked: Asked,
    wanted: finder.Search,
    company: TwinfieldOffice | None,
    offices: Mapping[str, TwinfieldOffice],
) -> tuple[str, str]:
    try:
        inner, refused = finder.found_xml(finder.search(company, offices, wanted)), ""
    except finder.FinderRefusal as refusal:
        inner, refused = finder.refused_xml(refusal), refusal.code
    return envelope.answer(asked.soap, asked.method, inner), refused
