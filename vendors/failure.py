"""What a call to a package can end in, when it does not end well.

    Failure
    ├── NotSent     no byte reached the package: free to send again
    ├── Refused     the package answered, and the answer proves that nothing was booked
    └── Uncertain   nothing proves either: the engine looks the document up before it does anything else

Every client turns what it meets (HTTP status, business error, cut connection) into one of these three;
`errors.py` of each package holds the rules. Uncertain is the default for a write, Refused needs proof.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from schemas.outcome import Code


class Scope(StrEnum):
    """What a failure says something about, which decides what is held because of it."""

    DOCUMENT = "document"
    ADMINISTRATION = "administration"


class Failure(Exception):
    """A call that did not give what was asked for.

    Attributes:
        code: our code for it; an unknown vendor message is `Code.INTERNAL`.
        field: JSON path in ENK's event (`$.lines[2].ledger_account`) where one is to blame.
        vendor_message: the package's own words, verbatim, without secrets.
        retry_after: how long the package asks to be left alone; None when it did not say.
        scope: whether the document is at fault or the whole administration (credentials, licence, outage).
        values: what fills the placeholders of the code's sentence.
    """

    def __init__(
        self,
        code: Code,
        vendor_message: str | None = None,
        *,
        field: str | None = None,
        retry_after: timedelta | None = None,
        scope: Scope = Scope.DOCUMENT,
        **values: object,
    ) -> None:
        super().__init__(f"{code}: {vendor_message}" if vendor_message else str(code))
        self.code = code
        self.field = field
        self.vendor_message = vendor_message
        self.retry_after = retry_after
        self.scope = scope
        self.values = values


class NotSent(Failure):
    """No byte of the request reached the package (no connection, no token, over our own budget)."""


class Refused(Failure):
    """The package's answer proves that the request had no effect."""


class Uncertain(Failure):
    """The request may or may not have had its effect."""
