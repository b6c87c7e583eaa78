"""A real Apache Kafka, one node, from Python packages and Maven Central alone."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from ops.embedded import node_state, ports
from ops.embedded.file_lock import FileLock
from ops.embedded.jars import Progress, kafka_jars, silent
from ops.embedded.kafka_config import JVM_OPTIONS, server_properties
from ops.embedded.node import Node
from ops.embedded.node_state import NodeState
from ops.embedded.process import Command
from ops.embedded.wheels import java


class KafkaNode(Node):
    """The broker. PLAINTEXT on the loopback address."""

    name = "Kafka"

    def __init__(self, folder: Path, *, on_progress: Progress = silent, start_timeout: float = 90.0) -> None:
        """`on_progress` hears about the first download of the jars."""
        super().__init__(folder, start_timeout=start_timeout)
        self._on_progress = on_progress
        self._jars = Path()

    @property
    def bootstrap_servers(self) -> str:
        """`host:port`, once started."""
        self._require()
        return _address(self._state)

    def _prepare(self, running: FileLock) -> NodeState:
        self._jars = kafka_jars(self._on_progress)
        state = node_state.read(self.folder)
        if state is None:
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            # The broker reads an id that starts with a dash as an option.
            state = NodeState(ports={}, cluster_id=f"k{cluster_id[1:]}")
            node_state.write(self.folder, state)
        if not (self.folder / "data" / "meta.properties").exists():
            self._on_progress("Preparing Kafka's storage")
            self._format(state, running)
        return state

    def _format(self, state: NodeState, running: FileLock) -> None:
        properties = self._configure(ports.choose(), ports.choose())
        self._run_once(
            self._java(
                running,
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                state.cluster_id,
                "--config",
                str(properties),
                "--ignore-formatted",
            )
        )

    def _ports(self, state: NodeState) -> dict[str, int]:
        broker = ports.choose(state.ports.get("broker"))
        return {
            "broker": broker,
            "controller": ports.choose(state.ports.get("controller"), avoid=frozenset({broker})),
        }

    def _command(self, state: NodeState, running: FileLock) -> Command:
        properties = self._configure(state.ports["broker"], state.ports["controller"])
        return self._java(running, "kafka.Kafka", str(properties))

    def _configure(self, port: int, controller_port: int) -> Path:
        path = self.folder / "server.properties"
        path.write_text(server_properties(self.folder / "data", port, controller_port))
        return path

    def _java(self, running: FileLock, main_class: str, *arguments: str) -> Command:
        return Command(
            arguments=(str(java()), *JVM_OPTIONS, "-cp", f"{self._jars}/*", main_class, *arguments),
            folder=self.folder,
            log=self.log,
            environment={"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")},
            keep_open=(running.fileno,),
        )

    def _answers(self, state: NodeState) -> bool:
        if not ports.answers(state.ports["broker"]):
            return False
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=_address(state), bootstrap_timeout_ms=5_000, request_timeout_ms=5_000
            )
        except (KafkaError, OSError):
            return False
        try:
            cluster = admin.describe_cluster()
            return bool(cluster["brokers"]) and str(cluster["cluster_id"]) == state.cluster_id
        except (KafkaError, OSError):
            return False
        finally:
            admin.close()

    def _lost_port(self, output: str) -> bool:
        return "Address already in use" in output


def _address(state: NodeState | None) -> str:
    return f"{ports.HOST}:{state.ports['broker']}" if state else ""
