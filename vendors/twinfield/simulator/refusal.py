"""A call that is refused as a whole: by status line, as a SOAP fault, or as a bad request."""

from __future__ import annotations


class Denied(Exception):
    """Refused with one of the vendor's codes; `text` replaces the code's own text."""

    def __init__(self, code: int, text: str | None = None, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.detail = detail or str(code)


class ClientFault(Exception):
    """A SOAP fault of the web server itself, without a code of the vendor."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class BadRequest(Exception):
    """HTTP 400 with an empty body; `detail` is for the log only."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TooManyCredits(Exception):
    """HTTP 429."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds
