"""SOAP 1.1 and 1.2 envelopes: read from requests, written for answers and faults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from lxml import etree

from vendors.twinfield.simulator.refusal import BadRequest, ClientFault

NAMESPACE = "http://www.twinfield.com/"
SOAP_11, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
MEDIA = {SOAP_11: "text/xml", SOAP_12: "application/soap+xml"}
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_HEADER_ORDER = ("SessionID", "AccessToken", "CompanyCode", "CompanyId")
_ACTION = re.compile(r'action="?([^";]*)"?')


@dataclass(frozen=True)
class Envelope:
    """A request: who asks, for which office, which operation with what.

    Attributes:
        soap: the namespace of the envelope, which says the version.
        operation: local name of the element in the body.
        token: `AccessToken` of the SOAP header.
        company: `CompanyCode` of the SOAP header.
        body: the element of the operation.
    """

    soap: str
    operation: str
    token: str | None
    company: str | None
    body: etree._Element

    def text(self, name: str) -> str | None:
        """The text of a parameter; None when it is absent or nil.

        Raises:
            BadRequest: it has elements inside.
        """
        element = self.body.find(f"{{{NAMESPACE}}}{name}")
        if element is None or element.get(f"{{{_XSI}}}nil") == "true":
            return None
        if len(element):
            raise BadRequest(f"{name} has elements inside")
        return element.text or ""

    def element(self, name: str) -> etree._Element | None:
        """A parameter that is an element with elements inside."""
        return self.body.find(f"{{{NAMESPACE}}}{name}")


def read_envelope(body: bytes, media: str, content_type: str, soap_action: str | None) -> Envelope:
    """Read a request.

    Args:
        body: of the HTTP request.
        media: its media type.
        content_type: the whole header, which carries the action in SOAP 1.2.
        soap_action: the header `SOAPAction`.

    Raises:
        BadRequest: it is no envelope.
        ClientFault: `SOAPAction` does not name the operation of the body.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadRequest(f"not XML: {error}") from error
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in MEDIA:
        raise BadRequest("no SOAP envelope")
    soap = str(name.namespace)
    if media != MEDIA[soap]:
        raise BadRequest(f"media type {media}")
    bodies = root.findall(f"{{{soap}}}Body")
    elements = [element for element in bodies[0] if isinstance(element.tag, str)] if bodies else []
    if len(bodies) != 1 or len(elements) != 1:
        raise BadRequest("not one element in one body")
    operation = etree.QName(elements[0])
    if operation.namespace != NAMESPACE:
        raise BadRequest(f"{operation.localname} is not of {NAMESPACE}")
    sent = _action(soap, content_type, soap_action)
    if sent != f"{NAMESPACE}{operation.localname}":
        raise ClientFault(f"Server did not recognize the value of HTTP Header SOAPAction: {sent}.")
    header = _header(root.find(f"{{{soap}}}Header"))
    return Envelope(
        soap, operation.localname, header.get("AccessToken"), header.get("CompanyCode"), elements[0]
    )


def _action(soap: str, content_type: str, soap_action: str | None) -> str:
    if soap == SOAP_12:
        found = _ACTION.search(content_type)
        return found[1] if found else ""
    return (soap_action or "").strip().strip('"')


def _header(element: etree._Element | None) -> dict[str, str]:
    """What `Header` says. As .NET reads it: an element that is out of order is not seen."""
    header = None if element is None else element.find(f"{{{NAMESPACE}}}Header")
    found: dict[str, str] = {}
    if header is None:
        return found
    place = 0
    for child in header:
        name = etree.QName(child).localname if isinstance(child.tag, str) else ""
        if name in _HEADER_ORDER[place:]:
            place = _HEADER_ORDER.index(name) + 1
            if child.text:
                found[name] = child.text
    return found


def answer(soap: str, operation: str, result: str) -> str:
    """An envelope with the answer of an operation; `result` is XML."""
    return _envelope(soap, f'<{operation}Response xmlns="{NAMESPACE}">{result}</{operation}Response>')


def fault(
    soap: str,
    side: Literal["Client", "Server"],
    text: str,
    *,
    actor: str = "",
    code: int | None = None,
    source: str = "",
) -> str:
    """An envelope with a fault; those with one of the vendor's codes carry it in the detail."""
    shown = escape(text)
    detail = ""
    if code is not None:
        detail = f"<message>{shown}</message><code>{code}</code><source>{escape(source)}</source>"
    if soap == SOAP_12:
        name = {"Client": "Sender", "Server": "Receiver"}[side]
        inner = (
            f"<soap:Code><soap:Value>soap:{name}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="en">{shown}</soap:Text></soap:Reason>'
            f"<soap:Detail>{detail}</soap:Detail>"
        )
    else:
        where = f"<faultactor>{escape(actor)}</faultactor>" if actor else ""
        inner = (
            f"<faultcode>soap:{side}</faultcode><faultstring>{shown}</faultstring>{where}"
            f"<detail>{detail}</detail>"
        )
    return _envelope(soap, f"<soap:Fault>{inner}</soap:Fault>")


def _envelope(soap: str, inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{soap}" xmlns:xsi="{_XSI}" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
