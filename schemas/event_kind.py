"""Which events come in, their CloudEvents types, and the topic of each."""

from __future__ import annotations

from enum import StrEnum

from schemas.topics import ENK_ADMINISTRATIONS, ENK_INVOICES, ENK_RELATIONS


class EventKind(StrEnum):
    """The three things that ENK tells us."""

    ADMINISTRATION = "administration"
    RELATION = "relation"
    INVOICE = "invoice"


TYPE_OF_KIND = {
    EventKind.ADMINISTRATION: "nl.enk.administration.changed.v1",
    EventKind.RELATION: "nl.enk.relation.changed.v1",
    EventKind.INVOICE: "nl.enk.invoice.issued.v1",
}
KIND_OF_TYPE = {type_: kind for kind, type_ in TYPE_OF_KIND.items()}
TOPIC_OF_KIND = {
    EventKind.ADMINISTRATION: ENK_ADMINISTRATIONS,
    EventKind.RELATION: ENK_RELATIONS,
    EventKind.INVOICE: ENK_INVOICES,
}
KIND_OF_TOPIC = {topic: kind for kind, topic in TOPIC_OF_KIND.items()}
