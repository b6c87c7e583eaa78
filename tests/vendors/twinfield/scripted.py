"""Answers of Twinfield, word by word, for a server that says what a test tells it to."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from tests.vendors.twinfield.test_auth import no_wait
from tests.vendors.wire_server import Received, WireServer, answer
from vendors.pacing import Pacer

TNS = "{http://www.twinfield.com/}"


class Credits(Pacer):
    """Remembers what each call cost."""

    def __init__(self) -> None:
        super().__init__(sleep=no_wait)
        self.costs: list[int] = []

    def slot(self, *, background: bool = False, cost: int = 1) -> Any:
        self.costs.append(cost)
        return super().slot(background=background, cost=cost)


def will(wire: WireServer, *reactions: Any) -> None:
    """A token first, its cluster being the server itself; then these."""
    wire.will(*login(wire), *reactions)


def login(wire: WireServer, value: str = "t1") -> tuple[Any, Any]:
    given = answer(200, {"access_token": value, "expires_in": 3600})
    return given, answer(200, {"twf.organisationCode": "ORG", "twf.clusterUrl": wire.url})


def xml(document: str) -> Any:
    body = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        '<ProcessXmlStringResponse xmlns="http://www.twinfield.com/"><ProcessXmlStringResult>'
        f"{escape(document)}</ProcessXmlStringResult></ProcessXmlStringResponse></soap:Body></soap:Envelope>"
    )
    return answer(200, body, {"Content-Type": "text/xml; charset=utf-8"})


def sent(request: Received) -> etree._Element:
    """The document inside an envelope."""
    root = etree.fromstring(request.body)
    return etree.fromstring(root.findtext(f".//{TNS}xmlRequest") or "")
