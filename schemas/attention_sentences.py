"""The two sentences of a case that needs somebody: what it is about, then the reason or what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from schemas.attention import AttentionKind
from schemas.posting import Message

_HEADS: Mapping[AttentionKind, tuple[str, str]] = MappingProxyType(
    {
        AttentionKind.REJECTED: ("Niet geboekt", "Not booked"),
        AttentionKind.HELD: ("Staat stil", "Held"),
        AttentionKind.WAITING: ("Wacht te lang", "Waits too long"),
        AttentionKind.UNCERTAIN: ("Niet zeker of het geboekt is", "Not certain whether it is booked"),
        AttentionKind.NUMBERS: ("Bijna op", "Nearly used up"),
        AttentionKind.FILE_READY: ("Klaar om in te lezen", "Ready to be imported"),
        AttentionKind.FILE_UNCONFIRMED: ("Nog niet bevestigd", "Not confirmed yet"),
        AttentionKind.FILE_STUCK: ("Niet afgeleverd", "Not delivered"),
    }
)

_NOUNS: Mapping[AttentionKind, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        AttentionKind.NUMBERS: (("nummerreeks", "nummerreeksen"), ("number range", "number ranges")),
        **dict.fromkeys(
            (AttentionKind.FILE_READY, AttentionKind.FILE_UNCONFIRMED, AttentionKind.FILE_STUCK),
            (("importbestand", "importbestanden"), ("import file", "import files")),
        ),
    }
)
_DOCUMENTS = (("document", "documenten"), ("document", "documents"))

WHAT_TO_DO: Mapping[AttentionKind, Message] = MappingProxyType(
    {
        AttentionKind.NUMBERS: Message(
            nl="Geef in de koppeling een ruimere reeks op, voordat zij vol is.",
            en="Set a wider range in the coupling before it is full.",
        ),
        AttentionKind.FILE_READY: Message(
            nl="Lees het in het boekhoudpakket in en bevestig daarna welke documenten zijn aangenomen.",
            en="Import it into the accounting package, then confirm which documents were accepted.",
        ),
        AttentionKind.FILE_UNCONFIRMED: Message(
            nl="Vraag de boekhouder of het is ingelezen, en bevestig of haal terug wat erin staat.",
            en="Ask the bookkeeper whether it was imported, and confirm or release what is in it.",
        ),
    }
)
"""For kinds that have no reason of their own."""


def sentence(kind: AttentionKind, count: int, examples: Sequence[str], why: Message) -> Message:
    """What needs somebody, in both languages.

    Args:
        kind: of the case.
        count: how many documents, files or ranges; 0 = the administration itself.
        examples: some of them, the oldest first.
        why: the reason of the oldest, or what to do.
    """
    heads, nouns = _HEADS[kind], _NOUNS.get(kind, _DOCUMENTS)
    more = count > len(examples)
    several = count > 1 and kind not in WHAT_TO_DO
    return Message(
        nl=f"{heads[0]}: {_things(count, nouns[0], examples, 'de administratie', ' en meer' * more)}. "
        f"{'Het oudste: ' * several}{why.nl}",
        en=f"{heads[1]}: {_things(count, nouns[1], examples, 'the administration', ' and more' * more)}. "
        f"{'The oldest: ' * several}{why.en}",
    )


def _things(count: int, noun: tuple[str, str], examples: Sequence[str], whole: str, more: str) -> str:
    if count == 0:
        return whole
    named = f" ({', '.join(examples)}{more})" if examples else ""
    return f"{count} {noun[count > 1]}{named}"
