"""The settings as a table for people: `docs/settings.md` is made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pydantic.fields import FieldInfo

from ops.setting_checks import env_name, is_secret

if TYPE_CHECKING:
    from pydantic import BaseModel

from ops.settings import Settings, is_group


@dataclass(frozen=True)
class SettingRow:
    """One setting.

    Attributes:
        name: the environment variable.
        default: as one would write it; empty without.
        meaning: a sentence or two.
        secret: its value is never shown.
    """

    name: str
    default: str
    meaning: str
    secret: bool


def settings_table() -> tuple[SettingRow, ...]:
    """Every setting, in the order of the groups."""
    return tuple(_rows())


def _rows() -> Iterator[SettingRow]:
    for name, field in Settings.model_fields.items():
        if is_group(field.annotation):
            group: type[BaseModel] = field.annotation  # type: ignore[assignment]
            for inner, setting in group.model_fields.items():
                yield _row(env_name(name, inner), setting)
        else:
            yield _row(env_name(name), field)


def _row(name: str, field: FieldInfo) -> SettingRow:
    return SettingRow(name, _text(field.default), field.description or "", is_secret(field.annotation))


def _text(default: object) -> str:
    if default is None or default == ():
        return ""
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, float) and default.is_integer():
        return str(int(default))
    return str(default)


def markdown() -> str:
    """`docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "All settings are environment variables. Empty means not set. At start every missing or wrong one is "
        "reported at once, and so is a name that starts with one of our prefixes and does not exist. Values "
        "of secret ones are never shown, logged or put in an event.",
        "",
        "This page is made from `ops/setting_groups.py` by `python -m ops.setting_table`.",
        "",
        "| name | default | meaning | secret |",
        "|---|---|---|---|",
    ]
    for row in settings_table():
        default = f"`{row.default}`" if row.default else "–"
        lines.append(f"| `{row.name}` | {default} | {row.meaning} | {'yes' if row.secret else ''} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())
