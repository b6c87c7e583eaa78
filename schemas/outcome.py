"""What a posting can end in, and the closed list of reasons: who must do what, in Dutch and in English.

The sentences are what bookkeepers and support read. A template's `[…]` is left out when a value that it
names is not known, so a sentence never shows an empty place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from schemas.codes import Code, CodeRule, Outcome, Package, RetryClass, WhoActs, parse_code
from schemas.plain_text import shown, text_only
from schemas.sentences import TABLE

__all__ = [
    "RULES",
    "Code",
    "CodeRule",
    "Outcome",
    "Package",
    "Reason",
    "RetryClass",
    "WhoActs",
    "parse_code",
    "reason",
]

RULES: Mapping[Code, CodeRule] = MappingProxyType({rule.code: rule for rule in TABLE})


@dataclass(frozen=True)
class Reason:
    """Why a document is where it is. `vendor_message` is the package's own text, word for word."""

    code: Code
    field: str | None
    nl: str
    en: str
    who_acts: WhoActs
    vendor_message: str | None = None


def reason(
    code: Code,
    *,
    field: str | None = None,
    vendor_message: str | None = None,
    who_acts: WhoActs | None = None,
    **values: object,
) -> Reason:
    """Fill a code's sentences with concrete values.

    Args:
        code: which reason.
        field: what is to blame: a JSON path in the event's data, `headers.…`, `key` or `value`.
        vendor_message: the package's own words, kept verbatim but for what is not text.
        who_acts: who must act when it is not the one the table names.
        **values: what the placeholders stand for; `problem_nl` and `problem_en` fill `{problem}` in their
            own language. Missing, None and empty ones are left out of the sentence.
    """
    rule = RULES[code]
    values = {"field": field, "vendor_message": vendor_message, **values}
    return Reason(
        code=code,
        field=shown(field, 200) if field is not None else None,
        nl=_sentence(rule.nl, "nl", values),
        en=_sentence(rule.en, "en", values),
        who_acts=who_acts or rule.who_acts,
        vendor_message=None if vendor_message is None else text_only(vendor_message),
    )


_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _sentence(template: str, language: str, values: Mapping[str, object]) -> str:
    def value(name: str) -> str | None:
        own = values.get(f"{name}_{language}")
        return _text(own if own is not None else values.get(name), language)

    def part(match: re.Match[str]) -> str:
        text: str = match[1]
        found = {name: value(name) for name in _PLACEHOLDER.findall(text)}
        if None in found.values():
            return ""
        return _PLACEHOLDER.sub(lambda name: found[name[1]] or "", text)

    return _OPTIONAL.sub(part, template)


def _text(value: object, language: str) -> str | None:
    """A value as people write it in that language, on one line and not too long; None when there is none."""
    if value is None:
        return None
    if isinstance(value, Package):
        return value.label
    if isinstance(value, datetime):
        return f"{value:%d-%m-%Y %H:%M}" if language == "nl" else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value:%d-%m-%Y}" if language == "nl" else value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",") if language == "nl" else f"{value:f}"
    return shown(str(value), 400) or None
