"""What needs somebody in one administration: `nl.enk.koppeling.attention.changed.v1`.

One event when a case arises, one when it is over, and between them at most one per interval when it has
grown. ENK tells the people concerned; the coupling does not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.codes import Code, Package, WhoActs
from schemas.instant import Instant
from schemas.model import EventModel
from schemas.posting import Message

ATTENTION_CHANGED = "nl.enk.koppeling.attention.changed.v1"

MOST_EXAMPLES = 5


class AttentionKind(StrEnum):
    """What is the matter; what is counted: documents, import files or number ranges."""

    REJECTED = "rejected"
    HELD = "held"
    WAITING = "waiting"
    UNCERTAIN = "uncertain"
    NUMBERS = "numbers"
    FILE_READY = "file_ready"
    FILE_UNCONFIRMED = "file_unconfirmed"
    FILE_STUCK = "file_stuck"


class AttentionStatus(StrEnum):
    """Whether a case stands."""

    OPEN = "open"
    RESOLVED = "resolved"


class AttentionChanged(EventModel):
    """The data of an attention event. Ignore a `sequence` lower than one you have seen of the same `id`."""

    id: str = Field(
        description="The case: the same administration, package, kind, code and person always have the same "
        "id, also when the case comes back later."
    )
    status: AttentionStatus = Field(
        description="`open`: tell the person, or change what you told; `resolved`: take it back."
    )
    administration: str = Field(description="The administration.")
    package: Package | None = Field(None, description="The package; absent when unknown.")
    kind: AttentionKind = Field(
        description="What is the matter. `rejected`: refused, not booked until somebody acts. `held`: set "
        "aside. `waiting`: for another document, past the limit. `uncertain`: perhaps booked, for too long. "
        "`numbers`: a number range is nearly used up. `file_ready`: a file is to be imported. "
        "`file_unconfirmed`: nobody has said for days whether it was. `file_stuck`: a file is not delivered. "
        "Treat one you do not know as `held`."
    )
    who_acts: WhoActs = Field(description="Who must be told: `support`, `bookkeeper` or `enk_user`.")
    code: Code | None = Field(
        None,
        description="Why, from the closed list of reasons; absent when nothing is wrong (files to be "
        "imported or confirmed). Treat one you do not know as `internal`.",
    )
    message: Message = Field(
        description="What is the matter and what to do; of a resolved case the last one."
    )
    count: Annotated[int, Field(ge=0)] = Field(
        description="How many documents, files or ranges. 0 when resolved, and for an administration that is "
        "held while it has no documents."
    )
    examples: tuple[str, ...] = Field(
        (), description=f"At most {MOST_EXAMPLES} of them: ENK's numbers, names of files or ranges."
    )
    since: Instant = Field(description="Since when the oldest of them has been so.")
    opened_at: Instant = Field(description="When the case arose.")
    sequence: Annotated[int, Field(ge=0)] = Field(description="Rises with every event of this case.")
    occurred_at: Instant = Field(description="When.")
