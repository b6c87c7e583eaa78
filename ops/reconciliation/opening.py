"""Opening the package of an administration as its lane does: same credentials, budget and pinned company."""

from __future__ import annotations

from pydantic import ValidationError

from ledger.rows import Lane
from ops.packages import PACKAGES, FilePackage
from ops.sessions import Sessions
from schemas.outcome import Code
from sinks.contract import DirectSink
from vendors.failure import Refused, Scope


async def open_sink(sessions: Sessions, lane: Lane | None) -> DirectSink | None:
    """The sink of a direct package; None for a package that reads files.

    Raises:
        vendors.failure.Failure: it does not let us in, is another company than the one that is pinned, is not
            connected or not built.
    """
    if lane is None:
        raise Refused(Code.UNKNOWN_ADMINISTRATION, scope=Scope.ADMINISTRATION)
    package = PACKAGES.get(lane.key.package)
    if package is None:
        raise Refused(Code.UNSUPPORTED_BY_PACKAGE, scope=Scope.ADMINISTRATION)
    if isinstance(package, FilePackage):
        return None
    try:
        return (await sessions.direct(lane, package)).opened.sink
    except ValidationError as invalid:
        problem = invalid.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise Refused(
            Code.MAPPING_MISSING, f"{where}: {problem['msg']}", scope=Scope.ADMINISTRATION
        ) from invalid
