"""The attachment step: fetch the PDF, check it, add it to the booking; it never blocks or reopens one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement
from ledger.outbox import announce
from ledger.pauses import pause
from ledger.rows import DuePosting, Lease
from ledger.writer import Fenced
from schemas.invoice import Attachment, Invoice
from schemas.outcome import Code, Reason, WhoActs
from schemas.posting import PackageDocument
from sinks.books import Books
from sinks.contract import AttachmentFile, DirectSink
from sinks.terms import DeliveryTerms
from vendors.failure import Failure, NotSent, Refused, Uncertain


@dataclass(frozen=True)
class AttachmentRules:
    """From where and how much may be fetched; `allowed_hosts` empty = from nowhere."""

    allowed_hosts: frozenset[str] = frozenset()
    max_bytes: int = 10 * 1024 * 1024
    timeout: timedelta = timedelta(seconds=30)


class AttachmentStep:
    """Runs the attachment of a posting that is booked already."""

    def __init__(
        self, rules: AttachmentRules, terms: DeliveryTerms, client: Callable[[], httpx.AsyncClient]
    ) -> None:
        self._rules = rules
        self._terms = terms
        self._client = client

    async def run(self, posting: DuePosting, sink: DirectSink, books: Books, lease: Lease) -> None:
        """Attach, or set the next attempt, or report that it cannot be had; raises `Fenced`."""
        invoice = Invoice.model_validate_json(posting.payload)
        assert invoice.attachment is not None
        if posting.attachment_state == "sending":
            await self._give_up(
                posting,
                books,
                lease,
                "Het is onbekend of de pdf is toegevoegd (de verbinding viel weg): kijk bij de boeking.",
                "It is unknown whether the PDF was added (the connection was lost): look at the booking.",
            )
            return
        try:
            file = await self._fetch(invoice.attachment)
            await books.write(
                lambda cursor: _set(cursor, lease, posting.id, "sending", timedelta(minutes=10), 0)
            )
            document = PackageDocument(number=posting.package_number or posting.number, id=posting.package_id)
            await sink.attach(document, invoice, file)
        except Uncertain as doubt:
            await self._give_up(
                posting,
                books,
                lease,
                f"Het is onbekend of de pdf is toegevoegd: {doubt.vendor_message or doubt.code}.",
                f"It is unknown whether the PDF was added: {doubt.vendor_message or doubt.code}.",
            )
        except Failure as failure:
            await self._again_or_give_up(posting, books, lease, failure)
        else:
            await books.write(lambda cursor: _set(cursor, lease, posting.id, "done", None, 0))

    async def _again_or_give_up(
        self, posting: DuePosting, books: Books, lease: Lease, failure: Failure
    ) -> None:
        failures = posting.transient + 1
        passing = isinstance(failure, NotSent) or failure.code in (Code.UNAVAILABLE, Code.RATE_LIMITED)
        if passing and failures < self._terms.document_attempts:
            wait = failure.retry_after or pause(self._terms.retry_wait, failures)
            await books.write(lambda cursor: _set(cursor, lease, posting.id, "due", wait, failures))
            return
        words = failure.vendor_message or str(failure.code)
        await self._give_up(
            posting,
            books,
            lease,
            f"De factuur is geboekt, maar de pdf kon niet worden toegevoegd: {words}.",
            f"The invoice is booked, but the PDF could not be added: {words}.",
        )

    async def _give_up(self, posting: DuePosting, books: Books, lease: Lease, nl: str, en: str) -> None:
        why = Reason(
            code=Code.INTERNAL,
            field="$.attachment",
            nl=nl,
            en=en,
            who_acts=WhoActs.SUPPORT,
            vendor_message=None,
        )
        await books.write(lambda cursor: _report(cursor, lease, posting.id, why))

    async def _fetch(self, attachment: Attachment) -> AttachmentFile:
        """Only https, only from allowed hosts, no redirects, at most `max_bytes`, the stated hash."""
        url = urlsplit(attachment.uri)
        if url.scheme != "https" or (url.hostname or "") not in self._rules.allowed_hosts:
            raise Refused(Code.INTERNAL, f"host {url.hostname!r} is not on the list of allowed hosts")
        content = bytearray()
        try:
            async with (
                self._client() as client,
                client.stream("GET", attachment.uri, timeout=self._rules.timeout.total_seconds()) as response,
            ):
                if response.status_code >= 500:
                    raise NotSent(Code.UNAVAILABLE, f"HTTP {response.status_code}")
                if response.status_code != 200:
                    raise Refused(Code.INTERNAL, f"HTTP {response.status_code}")
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > self._rules.max_bytes:
                        raise Refused(Code.TOO_LONG, f"larger than {self._rules.max_bytes} bytes")
        except httpx.HTTPError as error:
            raise NotSent(Code.UNAVAILABLE, f"{type(error).__name__} while fetching the PDF") from error
        if hashlib.sha256(content).hexdigest() != attachment.sha256.lower():
            raise Refused(Code.INTERNAL, "the file's sha256 is not the one that ENK states")
        return AttachmentFile(attachment.file_name, attachment.media_type, bytes(content))


def _set(
    cursor: Cursor[TupleRow],
    lease: Lease,
    posting: int,
    state: str,
    due_in: timedelta | None,
    transient: int,
) -> None:
    cursor.execute(
        """
        UPDATE posting SET attachment_state = %s, due_at = clock_timestamp() + %s::interval, transient = %s
         WHERE id = %s AND EXISTS (SELECT 1 FROM connection c WHERE c.id = %s AND c.lease_epoch = %s)
        RETURNING id
        """,
        (state, due_in, transient, posting, lease.connection, lease.epoch),
    )
    if cursor.fetchone() is None:
        raise Fenced


def _report(cursor: Cursor[TupleRow], lease: Lease, posting: int, why: Reason) -> None:
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(
            f"""
            UPDATE posting p SET attachment_state = 'failed', due_at = NULL, code = %s, field = %s,
                   message_nl = %s, message_en = %s, who_acts = %s, changed_at = clock_timestamp()
             WHERE id = %s AND EXISTS (SELECT 1 FROM connection c WHERE c.id = %s AND c.lease_epoch = %s)
            RETURNING {EVENT_COLUMNS}
            """.encode(),
            (
                str(why.code),
                why.field,
                why.nl,
                why.en,
                str(why.who_acts),
                posting,
                lease.connection,
                lease.epoch,
            ),
        )
        rows = named.fetchall()
        if not rows:
            raise Fenced
        announce(cursor, [posting_announcement(row) for row in rows])
