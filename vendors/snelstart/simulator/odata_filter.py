"""The `$filter` of the OData v3 subset that SnelStart documents.

Property names are UpperCamelCase and case-sensitive, literals are those of v3 (`guid'…'`, `datetime'…'`,
doubled quotes). What belongs to v4 (`contains`, bare GUIDs, `…Z` dates) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from vendors.snelstart.simulator.binding import is_guid
from vendors.snelstart.simulator.problems import odata

_TOKEN = re.compile(
    r"\s*(?:(?P<guid>guid'[^']*')|(?P<datetime>datetime'[^']*')|(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>-?\d+(?:\.\d+)?[mMdDfFlL]?(?![\w-]))|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<mark>[(),:]))"
)
_OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?")

Row = Mapping[str, object]
Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Filter:
    """A parsed filter; `equals` holds the properties that it fixes by `eq` in a conjunction."""

    test: Test
    equals: Mapping[str, object]


@dataclass(frozen=True)
class Guid:
    """A GUID literal."""

    text: str


Literal = str | int | Decimal | bool | datetime | Guid | None


class Parser:
    """Recursive descent over one filter; `example` is a full row that knows every property of the type."""

    def __init__(self, text: str, example: Row, type_name: str) -> None:
        self._text = text
        self._example = example
        self._type = type_name
        self._tokens = list(self._split())
        self._place = 0
        self._equals: dict[str, object] = {}

    def _split(self) -> Iterable[tuple[str, str]]:
        place = 0
        while self._text[place:].strip():
            match = _TOKEN.match(self._text, place)
            if match is None:
                raise self._syntax(place)
            place = match.end()
            kind = match.lastgroup or ""
            yield kind, match[kind]

    def _syntax(self, place: int) -> Exception:
        return odata(f"Syntax error at position {place} in '{self._text}'.")

    def parse(self) -> Filter:
        """The filter.

        Raises:
            Rejection: it is not a valid v3 filter on this type.
        """
        test = self._or()
        if self._place < len(self._tokens):
            raise self._syntax(self._place)
        return Filter(test, self._equals)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._place += 1
        return token

    def _expect(self, mark: str) -> None:
        if self._next()[1] != mark:
            raise self._syntax(self._place)

    def _or(self) -> Test:
        tests = [self._and()]
        while self._peek() == ("name", "or"):
            self._next()
            self._equals = {}
            tests.append(self._and())
        if len(tests) == 1:
            return tests[0]
        self._equals = {}
        return lambda row: any(test(row) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._peek() == ("name", "and"):
            self._next()
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _not(self) -> Test:
        if self._peek() == ("name", "not"):
            self._next()
            before, self._equals = self._equals, {}
            test = self._comparison()
            self._equals = before
            return lambda row: not test(row)
        return self._comparison()

    def _comparison(self) -> Test:
        kind, text = self._peek()
        if text == "(":
            self._next()
            before = dict(self._equals)
            test = self._or()
            self._expect(")")
            self._equals = {**before, **self._equals} if self._equals else before
            return test
        if kind == "name" and text.endswith("/any"):
            return self._any()
        following = self._tokens[self._place + 1][1] if self._place + 1 < len(self._tokens) else ""
        if kind == "name" and following == "(":
            return self._function()
        left = self._operand()
        operator = self._next()[1]
        if operator not in _OPERATORS:
            raise self._syntax(self._place)
        right = self._operand()
        return self._compare(left, operator, right)

    def _any(self) -> Test:
        path = self._next()[1].removesuffix("/any")
        read = self._property(path)
        self._expect("(")
        variable = self._next()[1]
        self._expect(":")
        if self._next()[1] != variable or self._next()[1] != "eq":
            raise self._syntax(self._place)
        wanted = self._literal(self._next())
        self._expect(")")
        return lambda row: wanted in (_as_list(read(row)))

    def _function(self) -> Test:
        name = self._next()[1]
        self._expect("(")
        if name in {"startswith", "endswith", "substringof"}:
            first = self._operand()
            self._expect(",")
            second = self._operand()
            self._expect(")")
            test = _text_test(name, first.read, second.read)
            if self._peek() == ("name", "eq"):
                self._next()
                wanted = self._next()[1]
                if wanted not in {"true", "false"}:
                    raise self._syntax(self._place)
                return test if wanted == "true" else lambda row: not test(row)
            return test
        if name == "year":
            operand = self._operand()
            self._expect(")")
            operator = self._next()[1]
            if operator not in _OPERATORS:
                raise self._syntax(self._place)
            year = Operand(lambda row: _year(operand.read(row)), None, None)
            return self._compare(year, operator, self._operand())
        raise odata(f"An unknown function with name '{name}' was found.")

    def _operand(self) -> Operand:
        token = self._next()
        kind, text = token
        if kind == "name" and text not in {"true", "false", "null"}:
            return Operand(self._property(text), text, None)
        value = self._literal(token)
        return Operand(lambda _row: value, None, value)

    def _literal(self, token: tuple[str, str]) -> Literal:
        kind, text = token
        match kind:
            case "string":
                return text[1:-1].replace("''", "'")
            case "number":
                digits = text.rstrip("mMdDfFlL")
                return Decimal(digits) if "." in digits else int(digits)
            case "guid":
                if is_guid(text[5:-1]):
                    return Guid(text[5:-1].lower())
            case "datetime":
                if _DATETIME.fullmatch(text[9:-1]):
                    try:
                        return datetime.fromisoformat(text[9:-1][:26])
                    except ValueError as error:
                        raise odata(f"Unrecognized 'Edm.DateTime' literal '{text}'.") from error
                raise odata(f"Unrecognized 'Edm.DateTime' literal '{text}'.")
            case "name":
                if text in {"true", "false", "null"}:
                    return {"true": True, "false": False, "null": None}[text]
        raise self._syntax(self._place)

    def _property(self, path: str) -> Callable[[Row], object]:
        keys: list[str] = []
        row: object = self._example
        for part in path.split("/"):
            key = part[:1].lower() + part[1:]
            if not isinstance(row, Mapping) or not part[:1].isupper() or key not in row:
                raise odata(f"Could not find a property named '{part}' on type '{self._type}'.")
            keys.append(key)
            row = row[key]

        def read(found: Row) -> object:
            value: object = found
            for key in keys:
                value = value.get(key) if isinstance(value, Mapping) else None
            return value

        return read

    def _compare(self, left: Operand, operator: str, right: Operand) -> Test:
        if operator == "eq" and left.path is not None and right.path is None:
            self._equals[left.path] = right.literal
        if left.path is not None:
            self._check_types(left.path, right, operator)

        def test(row: Row) -> bool:
            return _holds(left.read(row), operator, right.read(row))

        return test

    def _check_types(self, path: str, right: Operand, operator: str) -> None:
        example = self._property(path)(self._example)
        literal = right.literal
        if right.path is not None or literal is None or example is None:
            return
        wanted, found = _edm(example, is_id=path.endswith("Id")), _edm(literal)
        if wanted == found:
            return
        raise odata(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{wanted}' and '{found}' for operator kind '{operator}'."
        )


@dataclass(frozen=True)
class Operand:
    """One side of a comparison: a property by its path, or a literal."""

    read: Callable[[Row], object]
    path: str | None
    literal: Literal


def _edm(value: object, *, is_id: bool = False) -> str:
    if isinstance(value, bool):
        return "Edm.Boolean"
    if isinstance(value, int | Decimal):
        return "Edm.Decimal"
    if isinstance(value, Guid) or is_id:
        return "Edm.Guid"
    if isinstance(value, datetime):
        return "Edm.DateTime"
    return "Edm.String"


def _holds(left: object, operator: str, right: object) -> bool:
    left, right = _comparable(left), _comparable(right)
    if operator == "eq":
        return left == right
    if operator == "ne":
        return left != right
    for kind in (str, datetime):
        if isinstance(left, kind) and isinstance(right, kind):
            return _ordered(left < right, left == right, operator)  # type: ignore[operator]
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return _ordered(left < right, left == right, operator)
    return False


def _ordered(less: bool, equal: bool, operator: str) -> bool:
    return {"lt": less, "le": less or equal, "gt": not less and not equal, "ge": not less}[operator]


def _comparable(value: object) -> object:
    return value.text if isinstance(value, Guid) else value


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _text_test(name: str, first: Callable[[Row], object], second: Callable[[Row], object]) -> Test:
    def test(row: Row) -> bool:
        one, other = str(first(row) or "").lower(), str(second(row) or "").lower()
        if name == "substringof":
            return one in other
        return one.startswith(other) if name == "startswith" else one.endswith(other)

    return test


def _year(value: object) -> int | None:
    return value.year if isinstance(value, datetime) else None
