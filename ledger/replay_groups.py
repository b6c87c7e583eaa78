"""What a dry run of a replay passes between finding, counting and showing: conditions and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """What a filter comes to, as SQL; all of it uses the same named values.

    Attributes:
        posting: of the whole filter, on a posting `p`.
        rejected: the same on rejected input `r` of an administration `a`.
        group: its part on state, kind and package, on a group of postings `k`.
        administration, code: its part on these, on a posting `p`; `true` when it has none.
        values: by name.
    """

    posting: str
    rejected: str
    group: str
    administration: str
    code: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Group:
    """Postings, or rejected input, of which becomes the same.

    Attributes:
        decision: what becomes of them.
        administration: None where it does not matter, or is unknown.
        number: how many; None while they are to be counted together with others.
        first, last: two of their ids; None when none of them was read.
        is_rejected: it is rejected input.
        state, look_up_first: of postings.
    """

    decision: str
    administration: str | None
    number: int | None
    first: int | None
    last: int | None
    is_rejected: bool
    package: str | None
    kind: str
    state: str | None
    look_up_first: bool | None
