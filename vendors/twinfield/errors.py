"""What Twinfield's answers mean, in their layers; the innermost, business messages, is `messages`.

    Refused
    └── TwinfieldRefused   a refusal in Twinfield's own words; `stale` says what renewing would help

    layer                               shape                                       here
    HTTP 401, 403                       status line `354 : Access denied. …`        refused at the gate
    HTTP 429                            `Retry-After`                               `vendors.transport`
    HTTP 400 without body               malformed envelope, more than 1,000 lines   refused
    HTTP 500, a SOAP fault              `detail/code`                               by its number
    HTTP 200, `result="0"`              `msg` on any element                        `messages`

A fault whose number says that the caller was not let in had no effect. Number 100 (an error inside), a
fault without a known number, any other status and an unreadable body prove nothing: `Uncertain` after a
write. Texts are in the language of the user, so numbers decide. Facts: vendor's list of error codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from lxml import etree

from schemas.outcome import Code, WhoActs
from vendors.answer import Answer
from vendors.failure import Failure, NotSent, Refused, Scope, Uncertain
from vendors.twinfield.messages import VendorMessage, meaning_of
from vendors.twinfield.wire import Element, plain

LONGEST_MESSAGE = 2_000
_IN_STATUS_LINE = re.compile(r"^\s*(\d{3})\s*:\s*(.*)$")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)


class Stale(Enum):
    """What must be renewed before the same call may be let in."""

    NOTHING = "nothing"
    TOKEN = "token"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Gate:
    """What a number at the gate means."""

    code: Code
    stale: Stale = Stale.NOTHING
    who_acts: WhoActs | None = None
    scope: Scope = Scope.ADMINISTRATION


GATE: Mapping[int, Gate] = {
    101: Gate(Code.INTERNAL, scope=Scope.DOCUMENT),  # token or company left out
    102: Gate(Code.AUTH_REVOKED),  # access denied: the user's role
    103: Gate(Code.AUTH_EXPIRED, Stale.TOKEN),  # logon no longer valid
    104: Gate(Code.AUTH_REVOKED),  # user deleted
    105: Gate(Code.AUTH_REVOKED),  # user disabled
    106: Gate(Code.AUTH_REVOKED),  # organisation inactive
    107: Gate(Code.AUTH_REVOKED),  # wants a code by SMS
    108: Gate(Code.UNAVAILABLE, Stale.CLUSTER),  # wrong cluster
    109: Gate(Code.AUTH_REVOKED),  # no access to the company
    110: Gate(Code.AUTH_REVOKED),  # login not allowed
    122: Gate(Code.AUTH_REVOKED, who_acts=WhoActs.PLATFORM),  # client software not allowed
    168: Gate(Code.AUTH_EXPIRED, Stale.TOKEN),  # another logon of the same user
    186: Gate(Code.INTERNAL, scope=Scope.DOCUMENT),  # unreadable data
    187: Gate(Code.INTERNAL, scope=Scope.DOCUMENT),  # invalid XML
    351: Gate(Code.AUTH_REVOKED),  # consent lacks a scope
    352: Gate(Code.AUTH_REVOKED),
    353: Gate(Code.AUTH_REVOKED),
    354: Gate(Code.AUTH_EXPIRED, Stale.TOKEN),  # token invalid or expired
    358: Gate(Code.UNAVAILABLE),  # token could not be validated
}
"""Numbers of refusals before anything was done."""

_PASSES = frozenset({100, 358})
"""Faults that another attempt may not meet."""


@dataclass(frozen=True)
class Fault:
    """A fault as Twinfield wrote it; `number` where it gave one."""

    number: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.number}: {self.message}" if self.number is not None else self.message


class TwinfieldRefused(Refused):
    """A refusal in Twinfield's own words.

    Attributes:
        messages: the business messages of the answer.
        told: the one that decided the code.
        stale: what must be renewed before the same call may be let in.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        messages: tuple[VendorMessage, ...] = (),
        told: VendorMessage | None = None,
        stale: Stale = Stale.NOTHING,
        scope: Scope = Scope.DOCUMENT,
        who_acts: WhoActs | None = None,
    ) -> None:
        super().__init__(code, message[:LONGEST_MESSAGE] or None, scope=scope)
        if who_acts is not None:
            self.values = {"who_acts": who_acts}
        self.messages = messages
        self.told = told
        self.stale = stale


def refused(messages: tuple[VendorMessage, ...]) -> TwinfieldRefused:
    """The refusal that business messages make."""
    code, told = meaning_of(messages)
    scope = Scope.ADMINISTRATION if code is Code.AUTH_REVOKED else Scope.DOCUMENT
    texts = dict.fromkeys(str(message) for message in messages)
    return TwinfieldRefused(code, "; ".join(texts), messages=messages, told=told, scope=scope)


def fault_of(answer: Answer) -> Fault | None:
    """The fault of an answer: of its status line, else of its SOAP envelope; None when it has neither."""
    in_line = _IN_STATUS_LINE.match(answer.phrase)
    if answer.status != 200 and in_line:
        return Fault(int(in_line[1]), plain(in_line[2]).strip())
    try:
        root = etree.fromstring(answer.body, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None
    fault = next((node for node in root.iter() if _name(node) == "Fault"), None)
    if fault is None:
        return None
    parts = {_name(node): (node.text or "").strip() for node in fault.iter()}
    number = parts.get("code", "")
    message = parts.get("message") or parts.get("faultstring") or ""
    return Fault(int(number) if number.isdecimal() else None, plain(message))


def _name(node: Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def is_final(answer: Answer) -> bool:
    """Whether the same call would be answered the same: a fault with a number that does not pass."""
    fault = fault_of(answer)
    return fault is not None and fault.number in GATE and fault.number not in _PASSES


def failure_of(answer: Answer, *, write: bool) -> Failure:
    """What an answer means from which nothing could be read that was asked for."""
    fault = fault_of(answer)
    words = str(fault) if fault else _first_words(answer)
    gate = GATE.get(fault.number) if fault and fault.number is not None else None
    if gate is None and answer.status == 401:
        gate = Gate(Code.AUTH_EXPIRED, Stale.TOKEN)
    if gate is None and answer.status == 403:
        gate = Gate(Code.AUTH_REVOKED)
    if gate is None and answer.status == 400 and not answer.body.strip():
        gate = Gate(Code.INTERNAL, scope=Scope.DOCUMENT)
    if gate is not None:
        return TwinfieldRefused(gate.code, words, stale=gate.stale, scope=gate.scope, who_acts=gate.who_acts)
    if write:
        return Uncertain(Code.TIMEOUT_UNCERTAIN, words)
    return NotSent(Code.UNAVAILABLE, words, retry_after=answer.retry_after, scope=Scope.ADMINISTRATION)


def unreadable(what: str, *, write: bool) -> Failure:
    """An answer under a success that does not say what it must."""
    text = f"onleesbaar antwoord: {what}"[:LONGEST_MESSAGE]
    if write:
        return Uncertain(Code.TIMEOUT_UNCERTAIN, text)
    return NotSent(Code.UNAVAILABLE, text, scope=Scope.ADMINISTRATION)


def _first_words(answer: Answer) -> str:
    text = plain(re.sub(r"<[^>]*>", " ", answer.body[:2_000].decode("utf-8", "replace")))
    phrase = plain(answer.phrase)
    return f"HTTP {answer.status} {phrase} {' '.join(text.split())[:300]}".strip()
