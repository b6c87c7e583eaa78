"""Administrations as YAML: what a file says, checked against each package's mapping, and how it differs.

    - id: adm-1001
      package: king
      mapping:
        journals: {sales: VRK}

A file holds one administration, a list of them, or `administrations:` with a list. The mapping in the file is
the whole mapping: what it leaves out has its default again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import yaml
from pydantic import BaseModel, ValidationError

from ledger.rows import LaneKey
from ops.packages import PACKAGES
from schemas.outcome import Package

FIELDS = ("id", "package", "mapping")


class MappingFileError(Exception):
    """What is wrong with a file, a sentence for each thing."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(sentences))


@dataclass(frozen=True)
class WantedMapping:
    """An administration's mapping as a file wants it: only what it says, validated."""

    key: LaneKey
    mapping: Mapping[str, object]


@dataclass(frozen=True)
class MappingChange:
    """One value of a mapping that changes; None where it is not set."""

    path: str
    old: object
    new: object


def read_file(text: str) -> list[WantedMapping]:
    """The administrations in a YAML text.

    Raises:
        MappingFileError: with everything that is wrong, each with the field's name.
    """
    try:
        parsed: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MappingFileError([f"This is not YAML: {' '.join(str(error).split())}."]) from error
    entries = _entries(parsed)
    wanted: list[WantedMapping] = []
    wrong: list[str] = []
    for number, entry in enumerate(entries, start=1):
        found = _entry(number, entry)
        if isinstance(found, WantedMapping):
            wanted.append(found)
        else:
            wrong += found
    keys = [item.key for item in wanted]
    wrong += [
        f"{key.administration} in {key.package} is in the file {keys.count(key)} times."
        for key in dict.fromkeys(keys)
        if keys.count(key) > 1
    ]
    if wrong:
        raise MappingFileError(wrong)
    return wanted


def _entries(parsed: object) -> list[object]:
    if isinstance(parsed, Mapping) and set(parsed) == {"administrations"}:
        parsed = parsed["administrations"]
    if isinstance(parsed, Mapping):
        parsed = [parsed]
    if not isinstance(parsed, list) or not parsed:
        raise MappingFileError(
            ["The file must hold an administration (id, package, mapping) or a list of them."]
        )
    return parsed


def _entry(number: int, entry: object) -> WantedMapping | list[str]:
    if not isinstance(entry, Mapping):
        return [f"Administration {number}: it must have an id, a package and a mapping."]
    name = str(entry.get("id") or f"number {number}")
    wrong = [
        f"{name}: there is no field {field!r}.{_suggestion(str(field), FIELDS)}"
        for field in entry
        if field not in FIELDS
    ]
    if not entry.get("id"):
        wrong.append(f"{name}: id is missing.")
    package = str(entry.get("package") or "")
    if package not in set(Package):
        wrong.append(
            f"{name}: package {package!r} is none of: {', '.join(Package)}."
            if package
            else f"{name}: package is missing."
        )
        return wrong
    built = PACKAGES.get(Package(package))
    if built is None:
        return [
            *wrong,
            f"{name}: {Package(package).label} is not built yet; `koppeling packages` shows what is.",
        ]
    mapping = entry.get("mapping")
    if mapping is None:
        mapping = {}
    if not isinstance(mapping, Mapping):
        return [*wrong, f"{name}: mapping must be a list of names and values."]
    try:
        valid = built.mapping.model_validate(dict(mapping))
    except ValidationError as error:
        return [*wrong, *sentences_of(name, error, built.mapping)]
    if wrong:
        return wrong
    said = valid.model_dump(mode="json", exclude_unset=True)
    return WantedMapping(LaneKey(str(entry["id"]), Package(package)), said)


def sentences_of(name: str, error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One sentence per wrong field of a mapping, with its path and, where known, what it is for."""
    for detail in error.errors():
        path = ".".join(str(part) for part in detail["loc"]) or "mapping"
        top = str(detail["loc"][0]) if detail["loc"] else ""
        if detail["type"] == "extra_forbidden":
            yield f"{name}: mapping has no field {path!r}.{_suggestion(top, tuple(model.model_fields))}"
            continue
        said = detail["msg"].removeprefix("Value error, ").rstrip(".")
        field = model.model_fields.get(top)
        meaning = f" It is: {field.description}" if field is not None and field.description else ""
        given = detail["input"]
        shown = f", not {given!r}" if isinstance(given, (str, int, float, bool)) else ""
        yield f"{name}: {path}: {said[:1].lower()}{said[1:]}{shown}.{meaning}"


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[MappingChange]:
    """What changes, value by value, by path."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        MappingChange(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path) or (path in before) != (path in after)
    ]


def _leaves(value: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, f"{path}.")
        else:
            yield path, inner
