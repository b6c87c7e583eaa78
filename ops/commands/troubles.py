"""From what can go wrong to a sentence for the person at the terminal, and the exit code for scripts.

0  done, all is well
1  trouble: the command could not do what was asked
2  the command line is wrong
3  somebody is needed: it was done, and something waits for a person
130  stopped with Ctrl-C
"""

from __future__ import annotations

import sys

OK = 0
TROUBLE = 1
SOMEBODY = 3
INTERRUPTED = 130


class Trouble(Exception):
    """The command cannot do what was asked; the text is a sentence that says what to do about it."""


def sentence_of(error: BaseException) -> str | None:
    """The sentence for an expected kind of error; None for a bug, which must keep its traceback.

    Looks only at libraries that are loaded: the start of a command must not pay for the others.
    """
    if isinstance(error, Trouble):
        return str(error)
    for module, find in (
        ("psycopg", _database),
        ("kafka", _kafka),
        ("ops.settings", _settings),
        ("ops.bootstrap", _bootstrap),
        ("ops.embedded", _embedded),
        ("ops.topic_plan", _topics),
        ("ops.connecting", _connecting),
        ("ledger.schema", _schema),
        ("ops.worker", _worker),
        ("ledger.credentials", _credentials),
        ("vendors.failure", _failure),
    ):
        if module in sys.modules:
            found = find(error)
            if found is not None:
                return found
    if isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)):
        return f"{error.filename}: {error.strerror}."
    return None


def _database(error: BaseException) -> str | None:
    import psycopg

    if isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)):
        return (
            f"The database has no (up-to-date) ledger: {_first_line(error)}. "
            "Run `koppeling db upgrade`, then try again."
        )
    if isinstance(error, (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)):
        return (
            f"PostgreSQL did not answer in time ({_first_line(error)}). Try again; `koppeling status` "
            f"tells more."
        )
    if isinstance(error, psycopg.OperationalError):
        return (
            f"PostgreSQL does not answer: {_first_line(error)}. Check DATABASE__URL, or start it and try "
            f"again."
        )
    return None


def _kafka(error: BaseException) -> str | None:
    from kafka import errors

    if isinstance(error, errors.KafkaError):
        told = _first_line(error)
        return (
            f"Kafka does not do what is asked: {told}. Check KAFKA__BOOTSTRAP_SERVERS, or start it and "
            f"try again."
        )
    return None


def _settings(error: BaseException) -> str | None:
    from ops.settings import SettingsError

    return f"{error}\nAll settings are in docs/settings.md." if isinstance(error, SettingsError) else None


def _bootstrap(error: BaseException) -> str | None:
    from ops.bootstrap import NothingRuns

    return str(error) if isinstance(error, NothingRuns) else None


def _embedded(error: BaseException) -> str | None:
    from ops.embedded import EmbeddedError

    return str(error) if isinstance(error, EmbeddedError) else None


def _topics(error: BaseException) -> str | None:
    from ops.topic_plan import TopicsError

    return str(error) if isinstance(error, TopicsError) else None


def _connecting(error: BaseException) -> str | None:
    from ops.connecting import NotBuilt

    return f"{error} See `koppeling packages`." if isinstance(error, NotBuilt) else None


def _schema(error: BaseException) -> str | None:
    from ledger.schema import SchemaMismatch

    return str(error) if isinstance(error, SchemaMismatch) else None


def _worker(error: BaseException) -> str | None:
    from ops.ledger_connections import WentBack

    return (
        f"The database went back in time: {error}. Start the worker again: each document is looked up before "
        "it is sent; docs/operations.md says what is left to people."
        if isinstance(error, WentBack)
        else None
    )


def _credentials(error: BaseException) -> str | None:
    from ledger.credentials import CredentialsUnreadable

    return (
        f"{error} Add the key it needs, newest first." if isinstance(error, CredentialsUnreadable) else None
    )


def _failure(error: BaseException) -> str | None:
    from vendors.failure import Failure

    if not isinstance(error, Failure):
        return None
    from sinks.failures import reason_of

    why = reason_of(error, "")
    said = f" Het pakket zegt: {error.vendor_message}" if error.vendor_message else ""
    return f"{why.nl}{said}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
