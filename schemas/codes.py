"""The closed lists: packages, outcomes, reasons, and who acts. `schemas.outcome` is where others get them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Package(StrEnum):
    """The thirteen accounting packages of ENK's table."""

    SNELSTART = "snelstart"
    EXACT_ONLINE = "exact_online"
    TWINFIELD = "twinfield"
    ACCOUNTVIEW_OFFLINE = "accountview_offline"
    MULTIVERS_OFFLINE = "multivers_offline"
    MULTIVERS_ONLINE = "multivers_online"
    MUIS = "muis"
    KING = "king"
    AFAS = "afas"
    CASH = "cash"
    MINOX = "minox"
    ASPERION = "asperion"
    EXACT_GLOBE = "exact_globe"

    @property
    def label(self) -> str:
        """The name as ENK's table spells it."""
        return _LABELS[self]


_LABELS = {
    Package.SNELSTART: "Snelstart",
    Package.EXACT_ONLINE: "Exact Online",
    Package.TWINFIELD: "Twinfield",
    Package.ACCOUNTVIEW_OFFLINE: "Accountview Offline",
    Package.MULTIVERS_OFFLINE: "Multivers Offline",
    Package.MULTIVERS_ONLINE: "Multivers Online",
    Package.MUIS: "Muis Software",
    Package.KING: "King",
    Package.AFAS: "AFAS",
    Package.CASH: "Cash",
    Package.MINOX: "Minox",
    Package.ASPERION: "Asperion",
    Package.EXACT_GLOBE: "Exact Globe",
}


class Outcome(StrEnum):
    """The state of a posting; every change but `received` and `posting` is published."""

    RECEIVED = "received"
    POSTING = "posting"
    BOOKED = "booked"
    ALREADY_BOOKED = "already_booked"
    ADOPTED = "adopted"
    FILED = "filed"
    WAITING = "waiting"
    RETRY = "retry"
    HELD = "held"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"

    @property
    def is_good(self) -> bool:
        """The document is in the package, or in a file for it."""
        return self in _GOOD

    @property
    def is_final(self) -> bool:
        """Nothing more happens by itself, and nothing needs to."""
        return self in _GOOD or self in {Outcome.SUPERSEDED, Outcome.DISCARDED}

    @property
    def needs_somebody(self) -> bool:
        """Nothing more happens until somebody acts; `waiting` and `held` carry who that is when it is so."""
        return self is Outcome.REJECTED


_GOOD = frozenset({Outcome.BOOKED, Outcome.ALREADY_BOOKED, Outcome.ADOPTED, Outcome.FILED})


class RetryClass(StrEnum):
    """After what a document may be sent again."""

    AUTOMATIC = "automatic"
    MAPPING = "mapping"
    DOCUMENT = "document"
    LOOK_UP = "look_up"


class WhoActs(StrEnum):
    """Who must do something."""

    SUPPORT = "support"
    PLATFORM = "platform"
    BOOKKEEPER = "bookkeeper"
    ENK_USER = "enk_user"
    VENDOR = "vendor"


class Code(StrEnum):
    """The closed list of reasons, the same for all packages. Consumers treat an unknown one as `internal`."""

    AUTH_EXPIRED = "auth_expired"
    AUTH_REVOKED = "auth_revoked"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT_UNCERTAIN = "timeout_uncertain"
    NOT_FOUND_RELATION = "not_found_relation"
    NOT_FOUND_LEDGER_ACCOUNT = "not_found_ledger_account"
    NOT_FOUND_JOURNAL = "not_found_journal"
    NOT_FOUND_VAT = "not_found_vat"
    NOT_FOUND_COST_CENTRE = "not_found_cost_centre"
    NOT_FOUND_PROJECT = "not_found_project"
    BLOCKED_LEDGER_ACCOUNT = "blocked_ledger_account"
    BLOCKED_RELATION = "blocked_relation"
    PERIOD_CLOSED = "period_closed"
    YEAR_MISSING = "year_missing"
    DUPLICATE_NUMBER = "duplicate_number"
    UNBALANCED = "unbalanced"
    VAT_MISMATCH = "vat_mismatch"
    REQUIRED_FIELD = "required_field"
    TOO_LONG = "too_long"
    BAD_FORMAT = "bad_format"
    CURRENCY_UNSUPPORTED = "currency_unsupported"
    MODULE_MISSING = "module_missing"
    DESKTOP_LOCKED = "desktop_locked"
    MAPPING_MISSING = "mapping_missing"
    UNKNOWN_ADMINISTRATION = "unknown_administration"
    WRONG_COMPANY = "wrong_company"
    INVALID_EVENT = "invalid_event"
    SCHEMA_AHEAD = "schema_ahead"
    CHANGED_AFTER_BOOKING = "changed_after_booking"
    BEFORE_GO_LIVE = "before_go_live"
    NUMBER_RANGE_FULL = "number_range_full"
    RELAY_OFFLINE = "relay_offline"
    ADMINISTRATION_INACTIVE = "administration_inactive"
    HELD_BY_OPERATOR = "held_by_operator"
    RECOVERY = "recovery"
    WAITING_FOR_INVOICE = "waiting_for_invoice"
    UNSUPPORTED_BY_PACKAGE = "unsupported_by_package"
    INTERNAL = "internal"


def parse_code(text: str) -> Code:
    """The code of that name; `Code.INTERNAL` for one that this release does not know."""
    try:
        return Code(text)
    except ValueError:
        return Code.INTERNAL


@dataclass(frozen=True)
class CodeRule:
    """One row of the table: what a code means, when to try again, who acts, and the two sentences.

    In `nl` and `en`, `{name}` is a value and `[…]` a part that is left out when one of its values is missing.
    """

    code: Code
    retry: RetryClass
    who_acts: WhoActs
    nl: str
    en: str
