"""Kafka's jars: from Maven Central once, into a folder of the user's cache, for every process and for ever.

jgo writes files in place and takes any folder with a jar in it for complete; so it works in a staging folder
here, and the finished set appears by one rename, under a lock.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from ops.embedded.failures import JarsUnavailable
from ops.embedded.file_lock import locked

KAFKA_VERSION = "4.1.1"
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
ATTEMPTS = 3

Progress = Callable[[str], None]


def silent(text: str) -> None:
    """A progress callback that says nothing."""


def cache_folder() -> Path:
    """Where this user's caches live."""
    configured = os.environ.get("XDG_CACHE_HOME")
    if configured:
        return Path(configured) / "koppeling"
    home = os.environ.get("HOME")
    if home and os.access(home, os.W_OK):
        return Path(home) / ".cache" / "koppeling"
    return Path(tempfile.gettempdir()) / f"koppeling-cache-{os.getuid()}"


def kafka_jars(on_progress: Progress = silent, folder: Path | None = None) -> Path:
    """The folder with all jars of the broker, fetched when they are not there yet.

    Args:
        on_progress: hears what is being fetched.
        folder: cache folder; default the user's.

    Raises:
        JarsUnavailable: not here, and Maven Central cannot be reached.
    """
    folder = folder or cache_folder()
    complete = folder / f"kafka-{KAFKA_VERSION}"
    if complete.is_dir():
        return complete
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JarsUnavailable(
            f"Kafka's jars cannot be stored in {folder} ({error.strerror}); set XDG_CACHE_HOME to a folder "
            "that can be written."
        ) from error
    with locked(folder / "kafka.lock"):
        if not complete.is_dir():
            _fetch(complete, on_progress)
    return complete


def _fetch(complete: Path, on_progress: Progress) -> None:
    staging = complete.with_name(f"{complete.name}.partial")
    for attempt in range(1, ATTEMPTS + 1):
        _remove_damaged(staging)
        try:
            # The user's own Maven repository may hold a damaged file: only the first attempt reads it.
            jars = _resolve(staging, on_progress, use_local=attempt == 1)
            break
        except (RuntimeError, OSError) as error:
            on_progress(f"Fetching Kafka {KAFKA_VERSION}: attempt {attempt} of {ATTEMPTS} failed")
            if attempt == ATTEMPTS:
                raise JarsUnavailable(
                    f"Kafka {KAFKA_VERSION} is not on this machine yet and cannot be fetched from Maven "
                    f"Central (repo.maven.apache.org): {_first_line(error)}. Connect to the internet "
                    "once, or set KAFKA__BOOTSTRAP_SERVERS to a Kafka that runs elsewhere."
                ) from error
    collected = staging / "collected"
    collected.mkdir(exist_ok=True)
    for jar in jars:
        shutil.copyfile(jar, collected / jar.name)
    collected.rename(complete)
    shutil.rmtree(staging, ignore_errors=True)
    on_progress(f"Kafka {KAFKA_VERSION} is complete: {len(jars)} jars")


def _resolve(staging: Path, on_progress: Progress, *, use_local: bool) -> list[Path]:
    """All jars of the classpath, downloaded below `staging` or found in the user's Maven repository."""
    # Imported here: only the very first start needs it.
    import jgo.constants
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext, PythonResolver

    fetched = 0

    @contextmanager
    def announce(filename: str, size: int) -> Iterator[Callable[[int], None]]:
        nonlocal fetched
        if filename.endswith(".jar"):
            fetched += 1
            on_progress(f"Fetching Kafka {KAFKA_VERSION}: jar {fetched}, {filename} ({size / 1e6:.1f} MB)")
        yield lambda count: None

    on_progress(f"Fetching Kafka {KAFKA_VERSION} from Maven Central (about 45 jars, once)")
    local = Path(jgo.constants.default_maven_repo())
    context = MavenContext(
        repo_cache=staging / "repository",
        local_repos=[local] if use_local and local.is_dir() else [],
        remote_repos={"central": jgo.constants.MAVEN_CENTRAL_URL},
        resolver=PythonResolver(progress_callback=announce),
    )
    builder = EnvironmentBuilder(
        context=context, cache_dir=staging / "environment", link_strategy=LinkStrategy.COPY
    )
    environment = builder.from_endpoint(COORDINATES, update=True)
    jars = sorted([*environment.jars_dir.glob("*.jar"), *environment.modules_dir.glob("*.jar")])
    damaged = [jar.name for jar in jars if not zipfile.is_zipfile(jar)]
    if damaged:
        raise OSError(f"damaged: {', '.join(damaged)}")
    return jars


def _remove_damaged(staging: Path) -> None:
    """Forget files whose download was cut off, so that the next attempt fetches them again."""
    shutil.rmtree(staging / "environment", ignore_errors=True)
    for path in staging.rglob("*.jar"):
        if not zipfile.is_zipfile(path):
            path.unlink()
    for path in [*staging.rglob("*.pom"), *staging.rglob("*.xml")]:
        try:
            ElementTree.parse(path)
        except ElementTree.ParseError:
            path.unlink()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
