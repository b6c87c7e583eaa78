"""HTTP responses that say no: by status line, as a SOAP fault, or as a fault that was ordered."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from vendors.simulation.calls import Call
from vendors.simulation.contract import FaultRequest, Kind
from vendors.simulation.faults import CallKind
from vendors.twinfield.simulator import envelope
from vendors.twinfield.simulator.messages import HTTP_STATUS, Language, fault_text
from vendors.twinfield.simulator.refusal import Denied
from vendors.twinfield.simulator.soap_calls import Asked

_OF_THE_SERVER = frozenset({100, 358})


def as_json(status: int, body: object) -> web.Response:
    """A JSON answer of the login server."""
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(status=status, text=text, content_type="application/json")


def by_status_line(code: int) -> web.Response:
    """A code of the vendor as the reason phrase, without a body."""
    return web.Response(status=HTTP_STATUS[code], reason=f"{code} : {fault_text('en', code)}")


def web_server_fault(asked: Asked, text: str) -> web.Response:
    """A SOAP fault of the web server itself."""
    return _fault(asked.media, envelope.fault(asked.soap, "Client", text))


def denied(
    asked: Asked, denial: Denied, language: Language, where: str, headers: Mapping[str, str]
) -> web.Response:
    """A call that is refused as a whole; `where` is the address that was called."""
    code = denial.code
    if code in HTTP_STATUS and code != 103:
        return by_status_line(code)
    fault = envelope.fault(
        asked.soap,
        "Server" if code in _OF_THE_SERVER else "Client",
        denial.text or fault_text(language, code),
        actor=where,
        code=code,
        source=asked.method,
    )
    response = _fault(asked.media, fault)
    response.headers.update(headers)
    return response


def _fault(media: str, text: str) -> web.Response:
    return web.Response(status=500, text=text, content_type=media, charset="utf-8")


def ordered(wanted: FaultRequest, call: Call) -> web.Response | None:
    """A fault that was ordered, in the vendor's own words; None where it has none."""
    is_soap = call.request.path.endswith(".asmx")
    if wanted.kind is Kind.RATE_LIMIT:
        headers = {} if wanted.retry_after is None else {"Retry-After": str(wanted.retry_after)}
        return web.Response(status=wanted.status or 429, headers=headers)
    if wanted.kind is Kind.TOKEN_REVOKED:
        if call.kind is CallKind.TOKEN:
            return as_json(wanted.status or 400, {"error": "invalid_grant"})
        return by_status_line(354) if is_soap else as_json(400, {"Message": "invalid_token"})
    if not is_soap or wanted.kind not in {Kind.STATUS, Kind.STATUS_AFTER}:
        return None
    if wanted.status in {401, 403}:
        return by_status_line(354 if wanted.status == 401 else 102)
    if wanted.status != 500:
        return None
    fault = envelope.fault(
        envelope.SOAP_11,
        "Server",
        fault_text("en", 100),
        actor=str(call.request.url),
        code=100,
        source="ProcessXmlString",
    )
    return _fault(envelope.MEDIA[envelope.SOAP_11], fault)
