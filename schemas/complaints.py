"""From what pydantic says about a value to one of our codes, its path and its problem in two languages."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from schemas.json_path import json_path
from schemas.outcome import Code, parse_code
from schemas.plain_text import shown_json
from schemas.refusal import Refusal

UNKNOWN_FIELD = "extra_forbidden"

_OURS = frozenset({Code.BAD_FORMAT.value, Code.CURRENCY_UNSUPPORTED.value, Code.INVALID_EVENT.value})
_WRONG_TYPE = {
    "string_type": ("geen tekst", "not a text"),
    "int_type": ("geen geheel getal", "not an integer"),
    "int_from_float": ("geen geheel getal", "not an integer"),
    "bool_type": ("niet true of false", "not true or false"),
    "tuple_type": ("geen lijst", "not a list"),
    "model_type": ("geen object", "not an object"),
    "model_attributes_type": ("geen object", "not an object"),
    "dict_type": ("geen object", "not an object"),
    "string_pattern_mismatch": ("hier geen geldige waarde", "not a valid value here"),
}
_OTHER = ("hier niet mogelijk", "not possible here")


def refusal_of(errors: Sequence[ErrorDetails]) -> Refusal | None:
    """The first error that is not an unknown field, as a refusal; None when there is no such."""
    for error in errors:
        if error["type"] != UNKNOWN_FIELD and not _is_echo(error):
            return _refusal(error)
    return None


def unknown_fields(errors: Sequence[ErrorDetails]) -> list[tuple[str | int, ...]]:
    """The paths of the fields that the contract does not name."""
    return [error["loc"] for error in errors if error["type"] == UNKNOWN_FIELD]


def _is_echo(error: ErrorDetails) -> bool:
    """Pydantic calls a list too short as well when it only has elements that have errors of their own."""
    return error["type"] == "too_short" and bool(error["input"])


def _refusal(error: ErrorDetails) -> Refusal:
    kind, given, field = error["type"], error["input"], json_path(error["loc"])
    context = error.get("ctx", {})
    if kind in {"missing", "too_short"} or given is None or (isinstance(given, str) and not given.strip()):
        return Refusal(Code.REQUIRED_FIELD, field)
    if kind in _OURS:
        return Refusal(
            parse_code(kind),
            field,
            problem_nl=context.get("nl"),
            problem_en=context.get("en"),
            currency=context.get("currency"),
        )
    if kind == "string_too_long":
        length, longest = len(given), context.get("max_length")
        return Refusal(
            Code.TOO_LONG,
            field,
            problem_nl=f"{length} tekens, en het mogen er {longest} zijn",
            problem_en=f"{length} characters, and {longest} are allowed",
        )
    nl, en = _problem(kind, context)
    text = shown_json(given)
    return Refusal(Code.INVALID_EVENT, field, problem_nl=f"{text} is {nl}", problem_en=f"{text} is {en}")


def _problem(kind: str, context: dict[str, object]) -> tuple[str, str]:
    match kind:
        case "enum":
            known = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
            return f"geen van: {known}", f"none of: {known}"
        case "greater_than_equal":
            return f"kleiner dan {context.get('ge')}", f"less than {context.get('ge')}"
        case "less_than_equal":
            return f"groter dan {context.get('le')}", f"more than {context.get('le')}"
        case _:
            return _WRONG_TYPE.get(kind, _OTHER)
