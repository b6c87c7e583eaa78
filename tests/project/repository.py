"""The files of this repository, and the commands of the CLI, as the project tests look at them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import typer.main
from click import Command

from ops.cli import app

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed; relative to the root."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return tuple(Path(name) for name in sorted(filter(None, listed.split("\0"))) if (ROOT / name).is_file())


def texts() -> Iterator[tuple[Path, str]]:
    """The files that are text, with their content."""
    for path in files():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def documents() -> Iterator[tuple[Path, str]]:
    """The Markdown files that people read."""
    return ((path, text) for path, text in texts() if path.suffix == ".md")


@dataclass(frozen=True)
class CliCommand:
    """A command or group of the CLI, with its options."""

    children: dict[str, CliCommand] = field(default_factory=dict)
    options: frozenset[str] = frozenset()


@cache
def cli() -> CliCommand:
    """The whole CLI as a tree."""
    return _tree(typer.main.get_command(app))


def _tree(command: Command) -> CliCommand:
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    children = getattr(command, "commands", {})
    return CliCommand(
        {name: _tree(child) for name, child in children.items()}, frozenset({*options, "--help"})
    )


def wrong_words(words: list[str]) -> str | None:
    """What is wrong with a command line after `koppeling`; None when the CLI knows it."""
    here, rest = cli(), list(words)
    while here.children and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in here.children:
            return f"there is no command {name!r}"
        here = here.children[name]
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("--") and len(option) > 2 and option not in here.options:
            return f"there is no option {option!r}"
    return None
