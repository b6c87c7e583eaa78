"""What needs somebody, as cases: who is told of what, when one opens, has grown, and is over. Pure decisions.

A case is one administration, package, kind, person and code, however many documents it has. It opens when
it has stood for a while, so that what is mended at once is told to nobody and what arises together is told
together; it is over when it has been gone for a while, so that a retry that fails again is told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ledger.events import event_id
from ledger.numbers import ALARM_SHARE
from schemas.attention import MOST_EXAMPLES, AttentionKind
from schemas.attention_sentences import sentence
from schemas.outcome import RULES, Code, Package, RetryClass, WhoActs, reason
from schemas.posting import Message


@dataclass(frozen=True)
class AttentionTerms:
    """When what needs somebody becomes a case.

    Attributes:
        settle: how long it must have stood before it opens, and have been gone before it is over.
        held: the same for what is held for a reason that may pass by itself.
        uncertain: how long a document or file may be in doubt.
        unconfirmed: how long a delivered file may be left without an answer.
        numbers: the share of a number range, between 0 and 1, from which on it is to be widened.
        grown: how long after it was last told a case that has grown is told again.
    """

    settle: timedelta = timedelta(seconds=30)
    held: timedelta = timedelta(minutes=30)
    uncertain: timedelta = timedelta(hours=1)
    unconfirmed: timedelta = timedelta(days=3)
    numbers: float = ALARM_SHARE
    grown: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class Finding:
    """Rows of one administration that are alike.

    Attributes:
        code: None when nothing is wrong.
        who_acts: whom the rows name, None = whom the code names.
        count: how many; 0 for a held administration.
        since: since when the oldest has been so.
        examples: names of some, the oldest first.
        why: the reason of the oldest, or what to do.
    """

    administration: str
    package: Package | None
    kind: AttentionKind
    code: Code | None
    who_acts: WhoActs | None
    count: int
    since: datetime
    examples: tuple[str, ...]
    why: Message


@dataclass(frozen=True)
class CaseKey:
    """Which case it is."""

    administration: str
    package: Package | None
    kind: AttentionKind
    who_acts: WhoActs
    code: Code | None

    @property
    def name(self) -> str:
        """The case among all documents and cases: the key of its sequence."""
        parts = (self.administration, self.package or "", self.kind, self.who_acts, self.code or "")
        return "\x1f".join(("attention", *parts))

    @property
    def id(self) -> str:
        """The same whenever the case is found."""
        return event_id(self.name)


@dataclass(frozen=True)
class Case:
    """What one person is to be told about one administration, as it is found; fields as in `Finding`."""

    key: CaseKey
    count: int
    since: datetime
    examples: tuple[str, ...]
    why: Message

    @property
    def message(self) -> Message:
        """The case in a sentence."""
        return sentence(self.key.kind, self.count, self.examples, self.why)


@dataclass(frozen=True)
class OpenCase:
    """A case that was told and is not over.

    Attributes:
        opened_at: when it was first told.
        told_at: when it was last told.
        told_count: the smallest count since then.
        gone_at: since when it is not found any more, None while it is.
    """

    key: CaseKey
    message: Message
    count: int
    examples: tuple[str, ...]
    since: datetime
    opened_at: datetime
    told_at: datetime
    told_count: int
    gone_at: datetime | None = None


@dataclass(frozen=True)
class Changes:
    """What a pass brings: what to tell (each a new event), and what else to write down."""

    opened: tuple[OpenCase, ...] = ()
    grown: tuple[OpenCase, ...] = ()
    resolved: tuple[OpenCase, ...] = ()
    noted: tuple[OpenCase, ...] = ()


_SUPPORT = frozenset(
    {
        AttentionKind.WAITING,
        AttentionKind.UNCERTAIN,
        AttentionKind.NUMBERS,
        AttentionKind.FILE_UNCONFIRMED,
        AttentionKind.FILE_STUCK,
    }
)
_CONSENT = frozenset({Code.AUTH_REVOKED, Code.AUTH_EXPIRED})
_OF_AN_ADMINISTRATION = frozenset({WhoActs.SUPPORT, WhoActs.BOOKKEEPER, WhoActs.ENK_USER})


def told(kind: AttentionKind, code: Code | None, who_acts: WhoActs | None) -> WhoActs:
    """Who is told. One administration is never a matter for the platform or a vendor: support is told."""
    if kind in _SUPPORT or code is Code.RELAY_OFFLINE:
        return WhoActs.SUPPORT
    if kind is AttentionKind.FILE_READY or code in _CONSENT:
        return WhoActs.BOOKKEEPER
    who = who_acts or RULES[code or Code.INTERNAL].who_acts
    return who if who in _OF_AN_ADMINISTRATION else WhoActs.SUPPORT


def cases(findings: Iterable[Finding]) -> dict[CaseKey, Case]:
    """The findings as cases; those that one person is told of the same thing are one."""
    found: dict[CaseKey, Case] = {}
    for finding in findings:
        who = told(finding.kind, finding.code, finding.who_acts)
        key = CaseKey(finding.administration, finding.package, finding.kind, who, finding.code)
        case = Case(key, finding.count, finding.since, finding.examples, _why(finding))
        found[key] = _together(found[key], case) if key in found else case
    return found


def _why(finding: Finding) -> Message:
    """An expired session that does not come back by itself is consent that a person must give again."""
    if finding.code is not Code.AUTH_EXPIRED:
        return finding.why
    why = reason(Code.AUTH_REVOKED, package=finding.package)
    return Message(nl=why.nl, en=why.en)


def _together(one: Case, other: Case) -> Case:
    older, newer = sorted((one, other), key=lambda case: case.since)
    return replace(
        older,
        count=older.count + newer.count,
        examples=tuple(dict.fromkeys((*older.examples, *newer.examples)))[:MOST_EXAMPLES],
    )


def patience(key: CaseKey, terms: AttentionTerms) -> timedelta:
    """How long it must have stood before it opens; what has a limit of its own is only found beyond it."""
    match key.kind:
        case AttentionKind.HELD if key.code and RULES[key.code].retry is RetryClass.AUTOMATIC:
            return terms.held
        case AttentionKind.HELD | AttentionKind.REJECTED | AttentionKind.FILE_READY:
            return terms.settle
        case _:
            return timedelta()


def changes(
    known: Mapping[CaseKey, OpenCase],
    found: Mapping[CaseKey, Case],
    now: datetime,
    terms: AttentionTerms,
) -> Changes:
    """What is told and written down, from what was told and what is found now."""
    opened, grown, resolved, noted = [], [], [], []
    for key, case in found.items():
        before = known.get(key)
        if before is None:
            if now - case.since >= patience(key, terms):
                opened.append(_opened(case, now))
            continue
        renewed = _renewed(before, case)
        if case.count > before.told_count and now - before.told_at >= terms.grown:
            grown.append(replace(renewed, told_at=now, told_count=case.count))
        elif renewed != before:
            noted.append(renewed)
    for key, before in known.items():
        if key in found:
            continue
        gone_at = before.gone_at or now
        if now - gone_at >= terms.settle:
            resolved.append(replace(before, count=0, examples=()))
        elif before.gone_at is None:
            noted.append(replace(before, gone_at=gone_at))
    return Changes(tuple(opened), tuple(grown), tuple(resolved), tuple(noted))


def _opened(case: Case, now: datetime) -> OpenCase:
    return OpenCase(
        key=case.key,
        message=case.message,
        count=case.count,
        examples=case.examples,
        since=case.since,
        opened_at=now,
        told_at=now,
        told_count=case.count,
    )


def _renewed(before: OpenCase, case: Case) -> OpenCase:
    return replace(
        before,
        message=case.message,
        count=case.count,
        examples=case.examples,
        since=case.since,
        told_count=min(before.told_count, case.count),
        gone_at=None,
    )
