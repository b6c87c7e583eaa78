"""The broker's configuration: one node, little memory, and nothing that hides a mistake of ours."""

from __future__ import annotations

from pathlib import Path

from ops.embedded.ports import HOST

_MIB = 1024 * 1024
_LARGEST_BATCH = 12 * _MIB
NODE_ID = 1


def server_properties(data: Path, port: int, controller_port: int) -> str:
    """`server.properties` for KRaft in combined mode."""
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        # A topic that nobody planned is an error, here as in production.
        "auto.create.topics.enable": "false",
        "num.partitions": 1,
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        # Topics accept 10 MiB; the broker leaves room for the batch around it.
        "message.max.bytes": _LARGEST_BATCH,
        "replica.fetch.max.bytes": _LARGEST_BATCH,
        "socket.request.max.bytes": 64 * _MIB,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # A group of one starts at once; a killed member may be noticed within a second.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a kill -9 the broker may register again only when its former session has ended.
        "broker.session.timeout.ms": 2500,
        "broker.heartbeat.interval.ms": 250,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        "log.cleaner.threads": 1,
        "log.cleaner.dedupe.buffer.size": 8 * _MIB,
        "log.segment.bytes": 64 * _MIB,
        "log.index.size.max.bytes": _MIB,
        "log.segment.delete.delay.ms": 1000,
        "metadata.log.segment.bytes": 8 * _MIB,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


JVM_OPTIONS = (
    # The quick compiler only: a start costs a quarter less CPU, and no client here needs a faster broker.
    "-XX:TieredStopAtLevel=1",
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:+ExitOnOutOfMemoryError",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
)
"""For the broker and its tools."""
