"""What a chaos run found, as JSON and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ops.chaos.recovery import Recovery
from ops.chaos.verdict import Verdict

MEANING: Mapping[str, str] = {
    "sent": "documents published",
    "booked": "entries in the packages' books",
    "missing": "sent and not in the books",
    "double": "in the books once too often",
    "double_after_stop": "the same, by a worker stopped between check and send, no guard in the package",
    "unnamed": "of those, not named by reconciliation",
    "cents": "cents different",
    "unknown": "in the books and never sent",
    "order_breaks": "credits before their invoice, invoices before their relation",
    "overlaps": "writes of one administration at once",
    "nobody": "open rows that name nobody",
    "untraced": "published records without a trace in the ledger",
}


@dataclass(frozen=True)
class NaiveResult:
    """The same schedule, as far as it concerns it, against a loop without a ledger.

    `finished`: it came to the end of its input; else what it had not read counts as missing too.
    """

    verdict: Verdict
    kills: int
    finished: bool


@dataclass(frozen=True)
class ChaosReport:
    """Everything that a run says.

    Attributes:
        command: what runs it again.
        settled_seconds: from the last record until everything was at rest; None = it never was.
        faults: acts that struck, by name; `hits` calls that a package answered wrongly, by kind.
        missed: acts that found nothing to strike.
        kills: processes ended with SIGKILL.
        disorder: what was done to the input.
        adopted: documents found by a look-up and linked.
        operator: what people were needed for.
    """

    command: str
    seed: int
    minutes: float
    administrations: int
    workers: int
    terms: Mapping[str, str]
    verdict: Verdict
    settled_seconds: float | None
    faults: Mapping[str, int]
    hits: Mapping[str, int]
    missed: Mapping[str, int]
    kills: Mapping[str, int]
    disorder: Mapping[str, int]
    adopted: int
    somebody: int
    operator: Mapping[str, int]
    recoveries: Sequence[Recovery]
    notes: Sequence[str]
    naive: NaiveResult | None = None

    @property
    def consents(self) -> int:
        """Consents that had to be given again."""
        return self.operator.get("consent given again", 0)

    @property
    def holds(self) -> bool:
        """The proof holds: nothing that must be nothing is something, and all came to rest."""
        return self.verdict.holds and self.settled_seconds is not None

    def as_json(self) -> dict[str, object]:
        """The whole of it."""
        found = asdict(self)
        found["verdict"] |= {"holds": self.verdict.holds}
        found |= {"holds": self.holds, "consents": self.consents, "process_kills": sum(self.kills.values())}
        return found

    def counts(self) -> list[tuple[str, int, int | None, str]]:
        """What was counted: name, ours, the naive loop's, meaning."""
        naive = self.naive.verdict if self.naive else None
        return [
            (
                name.replace("_", " "),
                getattr(self.verdict, name),
                None if naive is None or name in ("nobody", "untraced", "unnamed") else getattr(naive, name),
                meaning + (" (must be 0)" if name in Verdict.MUST_BE_NOTHING else ""),
            )
            for name, meaning in MEANING.items()
        ]

    def fault_rows(self) -> list[tuple[object, ...]]:
        """One row for each kind of fault: how often, and the time to the next booking."""
        measured = {recovery.name: recovery for recovery in self.recoveries}
        rows: list[tuple[object, ...]] = []
        for name, count in sorted(self.faults.items()):
            recovery = measured.get(name)
            rows.append(
                (
                    name.replace("_", " "),
                    count,
                    self.missed.get(name, 0),
                    "" if recovery is None or recovery.median is None else f"{recovery.median:.1f} s",
                    "" if recovery is None or recovery.worst is None else f"{recovery.worst:.1f} s",
                )
            )
        return rows


def told(counted: Mapping[str, int]) -> str:
    """Counts in a sentence, most first."""
    return (
        ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in Counter(counted).most_common())
        or "none"
    )
