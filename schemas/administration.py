"""An administration: one company's books in one package."""

from __future__ import annotations

from pydantic import Field

from schemas.model import Day, EventModel, Extensions, Filled, Flag, Id
from schemas.outcome import Package


class Administration(EventModel):
    """The data of `nl.enk.administration.changed.v1`: what ENK says about one administration."""

    id: Id = Field(
        description="ENK's id of the administration; the key of all its records.", examples=["adm-1001"]
    )
    name: Filled = Field(description="What people call it.", examples=["Jansen Installatietechniek B.V."])
    package: Package = Field(description="The accounting package that it is kept in.")
    active: Flag = Field(description="false: nothing is sent and readback stops, as after a null value.")
    go_live_date: Day | None = Field(
        None,
        description="First issue date that the coupling books; the old coupling booked what is older. "
        "Only the first value: the mapping's date goes before it.",
    )
    extensions: Extensions | None = Field(None, description="Anything else; not read.")
