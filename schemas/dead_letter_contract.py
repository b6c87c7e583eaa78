"""The dead-letter topics in the AsyncAPI document: they carry others' bytes, and headers of ours."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import dead_letter, topics

Json = dict[str, object]


@dataclass(frozen=True)
class DeadLetterKind:
    """One dead-letter topic; `value` says what its records' value is."""

    topic: str
    title: str
    value: str


DEAD_LETTERS = {
    "record.refused": DeadLetterKind(
        topics.INTAKE_DLQ,
        "A record could not be read",
        "The record's own bytes. Its own headers, and these beside them.",
    ),
    "document.set_aside": DeadLetterKind(
        topics.POSTINGS_DLQ,
        "A document is not booked until somebody acts",
        "ENK's data in canonical JSON (a record that contradicts an earlier one: its own bytes). The headers "
        "of ENK's event, and these beside them.",
    ),
}

_OWN_HEADERS = {
    topics.ORIGIN_TOPIC_HEADER: "Where the record came from the very first time: topic.",
    topics.ORIGIN_PARTITION_HEADER: "The same: partition.",
    topics.ORIGIN_OFFSET_HEADER: "The same: offset.",
    topics.SOURCE_TOPIC_HEADER: "Where it was read last: topic.",
    topics.SOURCE_PARTITION_HEADER: "The same: partition.",
    topics.SOURCE_OFFSET_HEADER: "The same: offset.",
    topics.ERROR_CODE_HEADER: "The last error: its code, from the closed list.",
    topics.ERROR_FIELD_HEADER: "JSON path in the data, `headers.…`, `key` or `value`; may be empty.",
    topics.ERROR_NL_HEADER: "The sentence in Dutch.",
    topics.ERROR_EN_HEADER: "The sentence in English.",
    topics.ERROR_WHO_ACTS_HEADER: "Who must act.",
    topics.ERROR_CODES_HEADER: "Every code it got, oldest first, with commas.",
    topics.ATTEMPTS_HEADER: "How often it was tried.",
    dead_letter.CONNECT_TOPIC: "As in Kafka Connect: topic.",
    dead_letter.CONNECT_PARTITION: "As in Kafka Connect: partition.",
    dead_letter.CONNECT_OFFSET: "As in Kafka Connect: offset.",
    dead_letter.CONNECT_CONNECTOR: "`koppeling.intake`, `koppeling.ledger` or `koppeling.sink.<package>`.",
    dead_letter.CONNECT_TASK: "The partition.",
    dead_letter.CONNECT_STAGE: "`KEY_CONVERTER`, `HEADER_CONVERTER`, `VALUE_CONVERTER` or `TASK_PUT`.",
    dead_letter.CONNECT_CLASS: "The same as the connector's name.",
    dead_letter.CONNECT_EXCEPTION: "`nl.enk.koppeling.<code>`.",
    dead_letter.CONNECT_MESSAGE: "The sentence in English.",
    dead_letter.CONNECT_STACK_TRACE: "Code, sentence, field, and the package's own words.",
}
_SOMETIMES = {
    topics.ERROR_VENDOR_HEADER: "The package's own words, verbatim.",
    topics.POSTING_HEADER: "The posting's id, as `koppeling postings` shows it.",
    topics.OUTCOME_HEADER: "Its outcome.",
    topics.PACKAGE_HEADER: "Its package.",
    topics.EDIT_HEADER: "Which edit was refused; the value is what ENK sent.",
    topics.VALUE_WAS_NULL_HEADER: "The value was null, and is empty here.",
    topics.CUT_SIZE_HEADER: "The value was cut: size of the whole.",
    topics.CUT_SHA256_HEADER: "The value was cut: sha-256 of the whole.",
}


def dead_letter_operation(name: str) -> Json:
    """The AsyncAPI operation of a dead-letter topic."""
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": DEAD_LETTERS[name].title,
    }


def dead_letter_message(name: str) -> Json:
    """The AsyncAPI message of a dead-letter topic."""
    kind = DEAD_LETTERS[name]
    texts = {**_OWN_HEADERS, **_SOMETIMES}
    return {
        "name": name,
        "title": kind.title,
        "summary": kind.value,
        "headers": {
            "type": "object",
            "required": list(_OWN_HEADERS),
            "properties": {header: {"type": "string", "description": what} for header, what in texts.items()},
        },
        "payload": {},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The record's own key."},
                "bindingVersion": "0.5.0",
            }
        },
    }
