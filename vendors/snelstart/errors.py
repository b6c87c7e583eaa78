"""What SnelStart's answers mean: its error codes → ours, and refused or uncertain.

    Refused
    └── SnelStartRefused   a business error or a refusal at the gate, with SnelStart's own codes and fields

A write answered by a parsed business error, or by 401, 403, 404 or 429, had no effect. Any 5xx, an
unreadable body and every other status prove nothing: `Uncertain`. The code list is the vendor's own
("Foutcodes v2" of the developer portal); it grows, and a code that is not in it is a permanent business
error, kept in SnelStart's words as `internal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from schemas.outcome import Code, WhoActs
from vendors.answer import Answer
from vendors.failure import Failure, NotSent, Refused, Scope, Uncertain
from vendors.snelstart.wire import Json, decode, plain

_CODE = re.compile(r"\b[A-Z]{3}-\d{4}\b")
_LONGEST_MESSAGE = 2_000
_QUOTA_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class Rule:
    """What one of SnelStart's codes means: our code, and the field of SnelStart's record to blame."""

    code: Code
    field: str | None = None


def _rules(rows: Iterable[tuple[str, str, Code, str | None]]) -> dict[str, Rule]:
    return {
        f"{prefix}-{number:04d}": Rule(code, field)
        for prefix, numbers, code, field in rows
        for number in _numbers(numbers)
    }


def _numbers(text: str) -> Iterable[int]:
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


RULES: Mapping[str, Rule] = _rules(
    [
        # already there: the engine looks it up
        ("BOE", "21", Code.DUPLICATE_NUMBER, "factuurnummer"),
        ("REL", "8", Code.DUPLICATE_NUMBER, "relatiecode"),
        ("KPL", "8", Code.DUPLICATE_NUMBER, "kostenplaats"),
        # what we sent is wrong, and that is our doing
        ("ALG", "100-104 106", Code.INTERNAL, None),
        ("BOE", "1 78", Code.INTERNAL, None),
        ("BOE", "23 28", Code.INTERNAL, "boekingsregels"),
        ("BOE", "52 55 64", Code.INTERNAL, None),
        ("BOE", "39", Code.UNBALANCED, "factuurbedrag"),
        ("BOE", "58", Code.REQUIRED_FIELD, "factuurnummer"),
        ("BOE", "68", Code.TOO_LONG, "boekstuk"),
        ("BOE", "69", Code.VAT_MISMATCH, "btw"),
        ("BOE", "70", Code.BAD_FORMAT, "factuurdatum"),
        ("BOE", "71", Code.TOO_LONG, "omschrijving"),
        ("BOE", "84", Code.REQUIRED_FIELD, "omschrijving"),
        ("REL", "66", Code.INTERNAL, None),
        # how the customer's administration is set up
        ("BOE", "8 61 75", Code.BLOCKED_LEDGER_ACCOUNT, "grootboek"),
        ("BOE", "37 89", Code.NOT_FOUND_LEDGER_ACCOUNT, "grootboek"),
        ("BOE", "9 10 96", Code.NOT_FOUND_JOURNAL, None),
        ("BOE", "19 26", Code.NOT_FOUND_COST_CENTRE, "kostenplaats"),
        ("BOE", "22", Code.REQUIRED_FIELD, "kostenplaats"),
        ("BOE", "93", Code.MAPPING_MISSING, "kostenplaats"),
        ("BOE", "62", Code.UNSUPPORTED_BY_PACKAGE, "btw"),
        ("BOE", "80 82", Code.VAT_MISMATCH, "grootboek"),
        ("BOE", "81", Code.NOT_FOUND_VAT, "btw"),
        # locked
        ("BOE", "33 42 46-51 83", Code.PERIOD_CLOSED, "factuurdatum"),
        # the relation of a booking
        ("BOE", "2 38", Code.NOT_FOUND_RELATION, "relatie"),
        ("BOE", "3 60", Code.NOT_FOUND_RELATION, "relatie"),
        ("BOE", "54", Code.BLOCKED_RELATION, "relatie"),
        ("ALG", "105", Code.BLOCKED_RELATION, "relatie"),
        # the relation itself
        ("REL", "1 48 64 65", Code.UNSUPPORTED_BY_PACKAGE, "relatiesoort"),
        ("REL", "2", Code.BAD_FORMAT, "aanmaningsoort"),
        ("REL", "3", Code.BAD_FORMAT, "krediettermijn"),
        ("REL", "4", Code.BAD_FORMAT, None),
        ("REL", "5", Code.NOT_FOUND_RELATION, None),
        ("REL", "6", Code.BAD_FORMAT, "kvkNummer"),
        ("REL", "7", Code.REQUIRED_FIELD, "naam"),
        ("REL", "9", Code.REQUIRED_FIELD, "iban"),
        ("REL", "10", Code.BAD_FORMAT, "bic"),
        ("REL", "11", Code.BAD_FORMAT, "iban"),
        ("REL", "12", Code.TOO_LONG, "mobieleTelefoon"),
        ("REL", "13", Code.TOO_LONG, "telefoon"),
        ("REL", "14", Code.BAD_FORMAT, "bankieren"),
        ("REL", "15", Code.BAD_FORMAT, "websiteUrl"),
        ("REL", "16", Code.BAD_FORMAT, "incassoSoort"),
        ("REL", "17 18", Code.BAD_FORMAT, "factuurRelatie"),
        ("REL", "20-24 56 60", Code.BAD_FORMAT, "vestigingsAdres"),
        ("REL", "25-28 55", Code.BAD_FORMAT, "correspondentieAdres"),
        ("REL", "57-59 87 88", Code.BAD_FORMAT, "btwNummer"),
        ("REL", "61 84 85", Code.BAD_FORMAT, "email"),
        ("REL", "62", Code.BAD_FORMAT, "kredietLimiet"),
        ("REL", "86", Code.BAD_FORMAT, "oin"),
        ("REL", "32-34 72-75", Code.BAD_FORMAT, "factuurEmailVersturen"),
        ("REL", "29-31 35-46 68-71 76-83 89-102", Code.BAD_FORMAT, None),
        ("REL", "47 63", Code.INTERNAL, None),
        ("REL", "49-54 67 103", Code.BLOCKED_RELATION, None),
        # attachments
        ("BLG", "5", Code.INTERNAL, "document"),
        ("BLG", "6 13", Code.TOO_LONG, "document"),
        ("BLG", "7 16 17", Code.BAD_FORMAT, "document"),
        ("BLG", "8 11", Code.REQUIRED_FIELD, "document"),
    ]
)


@dataclass(frozen=True)
class VendorError:
    """One error as SnelStart wrote it; `parameter` names a field of what we sent (model validation)."""

    code: str | None
    message: str
    details: str | None = None
    parameter: str | None = None

    def __str__(self) -> str:
        parts = (self.code, self.message, self.parameter and f"[{self.parameter}]", self.details)
        return " ".join(part for part in parts if part)


class SnelStartRefused(Refused):
    """A refusal in SnelStart's own terms.

    Attributes:
        errors: every error of the answer.
        fields: the fields of SnelStart's record that they blame, each once.
    """

    def __init__(
        self,
        code: Code,
        errors: tuple[VendorError, ...],
        *,
        fields: tuple[str, ...] = (),
        retry_after: timedelta | None = None,
        scope: Scope = Scope.DOCUMENT,
        who_acts: WhoActs | None = None,
    ) -> None:
        message = "; ".join(str(error) for error in errors)[:_LONGEST_MESSAGE]
        super().__init__(code, message or None, retry_after=retry_after, scope=scope)
        if who_acts is not None:
            self.values = {"who_acts": who_acts}
        self.errors = errors
        self.fields = fields

    def names(self, vendor_code: str) -> bool:
        """Whether SnelStart's code is among the errors."""
        return any(error.code == vendor_code for error in self.errors)


def parse_errors(body: bytes) -> tuple[VendorError, ...] | None:
    """All errors of a body in any of SnelStart's shapes; None when it is in none of them.

    The shapes: an array of `{errorCode, message, details}`; model validation `{message, modelState}`,
    also inside an array; the OData layer's `{Message}`; the gateway's `{statusCode, message}`; the token
    endpoint's `{error}`.
    """
    try:
        value = decode(body)
    except ValueError:
        return None
    items = value if isinstance(value, list) else [value]
    errors = [error for item in items for error in _errors(item)]
    return tuple(errors) or None


def _errors(item: Json) -> Iterable[VendorError]:
    if isinstance(item, str):
        if item.strip():
            yield VendorError(_code(item), plain(item))
        return
    if not isinstance(item, Mapping):
        return
    fields = {str(name).lower(): value for name, value in item.items()}
    message = (
        _words(fields.get("message"))
        or _words(fields.get("error_description"))
        or _words(fields.get("error"))
    )
    state = fields.get("modelstate")
    if isinstance(state, Mapping):
        for parameter, complaints in state.items():
            text = _words(complaints) or message or ""
            yield VendorError(_code(text), text, parameter=_field(str(parameter)))
        return
    code = _words(fields.get("errorcode")) or _code(message or "")
    if code or message:
        yield VendorError(code or None, message or "", _words(fields.get("details")) or None)


def _field(parameter: str) -> str | None:
    """`relatie.BtwNummer` → `btwNummer`."""
    name = plain(parameter).rpartition(".")[2]
    return name[:1].lower() + name[1:] or None


def _words(value: Json) -> str:
    if isinstance(value, str):
        return plain(value).strip()
    if isinstance(value, Mapping):
        return ", ".join(filter(None, (_words(part) for part in value.values())))
    if isinstance(value, list):
        return ", ".join(filter(None, (_words(part) for part in value)))
    return "" if value is None else str(value)


def _code(text: str) -> str | None:
    found = _CODE.search(text)
    return found.group() if found else None


def failure_of(answer: Answer, *, write: bool) -> Failure:
    """What an answer that is not a success means."""
    errors = parse_errors(answer.body)
    match answer.status:
        case 401:
            return _unauthorised(errors or ())
        case 403:
            return _forbidden(answer, errors or ())
        case 404:
            return _business(errors or (VendorError(None, "HTTP 404"),), Code.INTERNAL)
        case 413:
            return SnelStartRefused(Code.TOO_LONG, errors or (VendorError(None, "HTTP 413"),))
        case status if 400 <= status < 500 and status != 408 and errors:
            return _business(errors, Code.INTERNAL)
    message = "; ".join(str(error) for error in errors or ()) or _first_words(answer)
    if write:
        return Uncertain(Code.TIMEOUT_UNCERTAIN, message[:_LONGEST_MESSAGE])
    return NotSent(
        Code.UNAVAILABLE,
        message[:_LONGEST_MESSAGE],
        retry_after=answer.retry_after,
        scope=Scope.ADMINISTRATION,
    )


def _unauthorised(errors: tuple[VendorError, ...]) -> Failure:
    if any("subscription key" in error.message.lower() for error in errors):
        # ENK's own key, not the customer's: only the platform can mend it
        return SnelStartRefused(
            Code.AUTH_REVOKED, errors, scope=Scope.ADMINISTRATION, who_acts=WhoActs.PLATFORM
        )
    return SnelStartRefused(Code.AUTH_EXPIRED, errors, scope=Scope.ADMINISTRATION)


def pause_after(failure: Failure) -> timedelta | None:
    """How long to leave the whole administration alone after this failure."""
    return failure.retry_after if failure.code is Code.RATE_LIMITED else None


def is_token_refused(failure: Failure) -> bool:
    """Whether the API refused the token (and not the subscription key): a new token may help."""
    return isinstance(failure, SnelStartRefused) and failure.code is Code.AUTH_EXPIRED


def _forbidden(answer: Answer, errors: tuple[VendorError, ...]) -> Failure:
    if answer.retry_after is not None or any("quota" in error.message.lower() for error in errors):
        return SnelStartRefused(
            Code.RATE_LIMITED,
            errors,
            retry_after=answer.retry_after or _QUOTA_PAUSE,
            scope=Scope.ADMINISTRATION,
        )
    return SnelStartRefused(
        Code.MODULE_MISSING, errors or (VendorError(None, "HTTP 403"),), scope=Scope.ADMINISTRATION
    )


def _business(errors: tuple[VendorError, ...], unknown: Code) -> SnelStartRefused:
    rules = [RULES[error.code] for error in errors if error.code and error.code in RULES]
    duplicate = next((rule for rule in rules if rule.code is Code.DUPLICATE_NUMBER), None)
    telling = duplicate or next((rule for rule in rules if rule.code is not Code.INTERNAL), None)
    fields = dict.fromkeys(rule.field for rule in rules if rule.field)
    parameters = dict.fromkeys(error.parameter for error in errors if error.parameter)
    code = telling.code if telling else unknown
    if telling is not None and telling.field:
        fields = {telling.field: None} | fields
    return SnelStartRefused(code, errors, fields=(*fields, *parameters))


def _first_words(answer: Answer) -> str:
    text = plain(re.sub(r"<[^>]*>", " ", answer.body[:2_000].decode("utf-8", "replace")))
    return f"HTTP {answer.status} {' '.join(text.split())[:300]}".strip()
