"""Every topic: name, partitions, retention, cleanup; and the headers that intake adds to a record.

The partition count is fixed for life: order per administration and Faust's tables depend on it. Growth is a
`.v2` topic after draining.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.outcome import Package

PARTITIONS = 48

ENK_ADMINISTRATIONS = "enk.administrations.v1"
ENK_RELATIONS = "enk.relations.v1"
ENK_INVOICES = "enk.invoices.v1"
ENK_POSTINGS = "enk.postings.v1"
ENK_PAYMENTS = "enk.payments.v1"
ATTENTION = "koppeling.attention.v1"
HOLDING = "koppeling.holding.v1"
INTAKE_DLQ = "koppeling.intake.dlq.v1"
POSTINGS_DLQ = "koppeling.postings.dlq.v1"

OWN_PREFIX = "koppeling_"
"""What the headers begin with that the intake adds."""

SOURCE_TOPIC_HEADER = "koppeling_source_topic"
SOURCE_PARTITION_HEADER = "koppeling_source_partition"
SOURCE_OFFSET_HEADER = "koppeling_source_offset"
ERROR_CODE_HEADER = "koppeling_error_code"
ERROR_FIELD_HEADER = "koppeling_error_field"
ERROR_NL_HEADER = "koppeling_error_nl"
ERROR_EN_HEADER = "koppeling_error_en"
ERROR_WHO_ACTS_HEADER = "koppeling_error_who_acts"
ERROR_VENDOR_HEADER = "koppeling_error_vendor_message"
ERROR_CODES_HEADER = "koppeling_error_codes"
ATTEMPTS_HEADER = "koppeling_attempts"
ORIGIN_TOPIC_HEADER = "koppeling_origin_topic"
ORIGIN_PARTITION_HEADER = "koppeling_origin_partition"
ORIGIN_OFFSET_HEADER = "koppeling_origin_offset"
POSTING_HEADER = "koppeling_posting"
OUTCOME_HEADER = "koppeling_outcome"
PACKAGE_HEADER = "koppeling_package"
EDIT_HEADER = "koppeling_edit"
VALUE_WAS_NULL_HEADER = "koppeling_value_was_null"
CUT_SIZE_HEADER = "koppeling_cut_size"
CUT_SHA256_HEADER = "koppeling_cut_sha256"

_DAY_MS = 24 * 60 * 60 * 1000
_MIB = 1024 * 1024
_OWN_BYTES = 11 * _MIB
"""What the intake forwards is a little larger than what it read: it adds headers."""


class Cleanup(StrEnum):
    """Kafka's `cleanup.policy`."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True)
class Topic:
    """One topic as it must be.

    Attributes:
        name: its name, version included.
        what: one sentence for people.
        retention_ms: how long records stay; -1 = for ever (a compacted topic keeps the last per key).
        cleanup: delete or compact.
        max_message_bytes: the largest record batch it takes.
        partitions: always 48.
        public: part of the contract with ENK.
    """

    name: str
    what: str
    retention_ms: int
    cleanup: Cleanup = Cleanup.DELETE
    max_message_bytes: int = 10 * _MIB
    partitions: int = PARTITIONS
    public: bool = False

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings under Kafka's names."""
        return {
            "cleanup.policy": self.cleanup.value,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


def sink_topic(package: Package) -> str:
    """The topic with everything that one package must be told."""
    return f"koppeling.sink.{package.value}.v1"


TOPICS: tuple[Topic, ...] = (
    Topic(
        ENK_ADMINISTRATIONS,
        "ENK's administrations and the package each one uses; a null value means inactive.",
        -1,
        Cleanup.COMPACT,
        public=True,
    ),
    Topic(ENK_RELATIONS, "ENK's debtors and creditors.", 30 * _DAY_MS, public=True),
    Topic(ENK_INVOICES, "Sales and purchase invoices that ENK issued.", 30 * _DAY_MS, public=True),
    Topic(
        ENK_POSTINGS, "What became of every document; published by the coupling.", 30 * _DAY_MS, public=True
    ),
    Topic(
        ENK_PAYMENTS,
        "What was paid, as read from the package; published by the coupling.",
        30 * _DAY_MS,
        public=True,
    ),
    Topic(
        ATTENTION,
        "What needs somebody in one administration, for ENK to tell them; published by the coupling.",
        30 * _DAY_MS,
        public=True,
    ),
    *(
        Topic(
            sink_topic(package),
            f"What {package.label} must be told.",
            14 * _DAY_MS,
            max_message_bytes=_OWN_BYTES,
        )
        for package in Package
    ),
    Topic(
        HOLDING,
        "Records of administrations that are not known yet.",
        30 * _DAY_MS,
        max_message_bytes=_OWN_BYTES,
    ),
    Topic(
        INTAKE_DLQ,
        "Records that cannot be read, with the reason in headers.",
        90 * _DAY_MS,
        max_message_bytes=_OWN_BYTES,
        public=True,
    ),
    Topic(
        POSTINGS_DLQ,
        "Documents that are not booked until somebody acts, with the reason in headers; a copy for other "
        "systems, the ledger keeps them.",
        90 * _DAY_MS,
        max_message_bytes=_OWN_BYTES,
        public=True,
    ),
)
"""Every topic of the pipeline."""

TOPIC: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
"""The same by name."""
