"""What the demo plays: companies, events, faults, and what must come of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ops.proof import Expected, sent_documents
from ops.sample_month import bad_extras, sample_month
from ops.sample_relations import Json
from schemas.outcome import Code, Package

MONTH = date(2026, 3, 1)

FAULTS: Mapping[Package, Sequence[tuple[str, Mapping[str, object]]]] = {
    Package.SNELSTART: (
        (
            "too many calls",
            {"kind": "rate_limit", "operation": "verkoopboekingen.POST", "count": 2, "retry_after": 1},
        ),
        (
            "connection cut after the booking",
            {"kind": "cut_after", "operation": "verkoopboekingen.POST", "count": 1},
        ),
        (
            "502 after the booking",
            {"kind": "status_after", "status": 502, "operation": "inkoopboekingen.POST", "count": 1},
        ),
        ("token of yesterday", {"kind": "token_revoked", "operation": "relaties.POST", "count": 1}),
    ),
    Package.KING: (("King does not read its folder", {"kind": "status", "operation": "import", "count": 3}),),
}
"""What goes wrong in each package, by what people call it."""

_UNKNOWN_ACCOUNT: Mapping[Package, Code] = {Package.KING: Code.TOO_LONG}
"""The code of an account that a package cannot have; the others do not find it."""


@dataclass(frozen=True)
class Company:
    """One installation company of the demo.

    Attributes:
        month: its events in the order in which ENK publishes them.
        extras: what goes wrong in practice, published when it is connected.
        expected: what must not be booked.
    """

    administration: str
    package: Package
    month: tuple[Json, ...]
    extras: tuple[Json, ...]
    expected: tuple[Expected, ...]

    @property
    def events(self) -> tuple[Json, ...]:
        """Everything that is published."""
        return (*self.month, *self.extras)


def company(package: Package, seed: int) -> Company:
    """The company of a package; the same for the same seed."""
    administration = f"demo-{package.value.replace('_', '-')}"
    extras = bad_extras(administration, package, seed, MONTH)
    code = _UNKNOWN_ACCOUNT.get(package, Code.NOT_FOUND_LEDGER_ACCOUNT)
    return Company(
        administration,
        package,
        tuple(sample_month(administration, package, seed, MONTH)),
        tuple(event for some in extras.values() for event in some),
        tuple(Expected(sent.place, code) for sent in sent_documents(extras["unknown_ledger_account"])),
    )
