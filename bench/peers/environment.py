"""What the peers run in: a Python environment of their own, and jars and a compiler from Maven Central.

Nothing of it is a dependency of this project; it is fetched when the command runs for the first time, into a
folder that can be removed.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.embedded.wheels import java

PACKAGES = (
    "faststream[confluent]==0.7.8",
    "quixstreams==3.28.1",
    "httpx==0.28.1",
    "kafka-python==3.0.12",
    "crc32c==2.9.post0",
)
PARALLEL_CONSUMER = (
    "io.confluent.parallelconsumer:parallel-consumer-core:0.5.3.2+org.slf4j:slf4j-simple:1.7.36"
)
COMPILER = "org.eclipse.jdt:ecj:3.38.0"
PROGRAMS = Path(__file__).parent / "programs"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Peers:
    """Where each peer can be started from."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter that has the Python peers."""
        return self.folder / "venv" / "bin" / "python"

    def python_command(self, program: str, settings: Path) -> list[str]:
        """A program of `bench.peers.programs`."""
        return [str(self.python), "-m", f"bench.peers.programs.{program}", str(settings)]

    def java_command(self, settings: Path) -> list[str]:
        """The parallel consumer."""
        jars = [str(path) for path in (self.folder / "parallel-consumer" / "environment").rglob("*.jar")]
        classpath = os.pathsep.join([str(self.folder / "classes"), *jars])
        return [
            str(java()),
            "-Xmx512m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
            "-cp",
            classpath,
            "ParallelConsumerApp",
            str(settings),
        ]


def prepare(folder: Path, tell: Tell) -> Peers:
    """Fetch and compile what is not there yet.

    Raises:
        subprocess.CalledProcessError, RuntimeError, OSError: a registry cannot be reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    peers = Peers(folder)
    done = folder / "installed"
    if not done.exists() or done.read_text().split() != list(PACKAGES):
        tell(f"installing {', '.join(PACKAGES)}")
        venv.create(folder / "venv", with_pip=True, clear=True)
        subprocess.run(
            [str(peers.python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr
        )
        done.write_text("\n".join(PACKAGES))
    jars = _jars(folder / "parallel-consumer", PARALLEL_CONSUMER, tell)
    compiler = _jars(folder / "compiler", COMPILER, tell)
    classes = folder / "classes"
    source = PROGRAMS / "ParallelConsumerApp.java"
    compiled = classes / "ParallelConsumerApp.class"
    if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
        # The embedded Java has no compiler of its own; Eclipse's is a jar like any other.
        subprocess.run(
            [
                *(str(java()), "-jar", str(next(jar for jar in compiler if jar.name.startswith("ecj")))),
                *("-source", "17", "-target", "17", "-nowarn", "-proc:none"),
                *("-cp", os.pathsep.join(map(str, jars)), "-d", str(classes), str(source)),
            ],
            check=True,
            stdout=sys.stderr,
        )
    return peers


def _jars(folder: Path, coordinates: str, tell: Tell) -> list[Path]:
    done = folder / "complete"
    if not done.exists() or done.read_text() != coordinates:
        tell(f"fetching {coordinates} from Maven Central")
        environment: Any = importlib.import_module("jgo.env")
        maven: Any = importlib.import_module("jgo.maven")
        constants: Any = importlib.import_module("jgo.constants")
        context = maven.MavenContext(
            repo_cache=folder / "repository",
            local_repos=[],
            remote_repos={"central": constants.MAVEN_CENTRAL_URL},
            resolver=maven.PythonResolver(),
        )
        environment.EnvironmentBuilder(
            context=context,
            cache_dir=folder / "environment",
            link_strategy=environment.LinkStrategy.COPY,
        ).from_endpoint(coordinates, update=True)
        done.write_text(coordinates)
    return sorted((folder / "environment").rglob("*.jar"))
