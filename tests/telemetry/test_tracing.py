"""A document's trace reaches its log lines and its calls, as spans only where an SDK is configured."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import tracing
from telemetry.logging import configure

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure(stream=stream, as_json=True)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_without_an_sdk_the_trace_is_passed_on_as_it_is() -> None:
    assert tracing.outgoing() == {}
    with tracing.working_on("deliver", TRACEPARENT, posting=1), tracing.call("snelstart", "book"):
        assert tracing.outgoing() == {"traceparent": TRACEPARENT}
    assert tracing.outgoing() == {}


def test_what_belongs_to_no_trace_carries_none() -> None:
    with tracing.working_on("deliver", None, posting=1):
        assert tracing.outgoing() == {}


def test_with_an_sdk_a_call_is_a_child_of_the_document_which_is_a_child_of_enk(
    spans: InMemorySpanExporter,
) -> None:
    with tracing.working_on("deliver", TRACEPARENT, posting=7):
        tracing.note(outcome="booked")
        with tracing.call("snelstart", "book"):
            tracing.note(status=201)
            sent = tracing.outgoing()["traceparent"]
    call, deliver = spans.get_finished_spans()
    assert call.context is not None
    assert deliver.context is not None
    assert deliver.parent is not None
    assert call.parent is not None
    assert f"{deliver.context.trace_id:032x}" == TRACE
    assert f"{deliver.parent.span_id:016x}" == PARENT
    assert call.parent.span_id == deliver.context.span_id
    assert sent == f"00-{TRACE}-{call.context.span_id:016x}-01"
    assert dict(deliver.attributes or {}) == {"koppeling.posting": "7", "koppeling.outcome": "booked"}
    assert dict(call.attributes or {}) == {
        "koppeling.package": "snelstart",
        "koppeling.operation": "book",
        "koppeling.status": 201,
    }


@pytest.mark.parametrize("with_sdk", [False, True])
def test_log_lines_name_the_document_and_its_trace(
    with_sdk: bool, written: io.StringIO, request: pytest.FixtureRequest
) -> None:
    if with_sdk:
        request.getfixturevalue("spans")
    with tracing.working_on("deliver", TRACEPARENT, posting=7):
        structlog.get_logger("sinks").info("posting.failed", code="too_long")
    structlog.get_logger("sinks").info("afterwards")
    within, afterwards = (json.loads(line) for line in written.getvalue().splitlines())
    assert (within["posting"], within["trace"], within["code"]) == (7, TRACE, "too_long")
    assert "posting" not in afterwards
    assert "trace" not in afterwards


def in_a_process(program: str, **environment: str) -> str:
    """What a program prints; the API's provider is set once per process."""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout


WORK = (
    "from telemetry import tracing\n"
    "print(tracing.configure('koppeling-worker'))\n"
    f"with tracing.working_on('deliver', '{TRACEPARENT}', posting=7):\n"
    "    print(tracing.outgoing()['traceparent'])\n"
)


def test_the_environment_alone_turns_spans_on() -> None:
    said = in_a_process(WORK, OTEL_TRACES_EXPORTER="console", OTEL_PYTHON_ID_GENERATOR="random")
    assert said.startswith("True\n")
    assert '"name": "deliver"' in said
    assert f'"trace_id": "0x{TRACE}"' in said
    assert "koppeling-worker" in said
    assert TRACEPARENT not in said


@pytest.mark.parametrize("environment", [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}])
def test_without_that_there_are_none(environment: dict[str, str]) -> None:
    assert in_a_process(WORK, **environment) == f"False\n{TRACEPARENT}\n"


def test_spans_that_are_asked_for_without_an_sdk_are_a_sentence() -> None:
    program = (
        "import telemetry.tracing as tracing\n"
        "tracing.find_spec = lambda name: None\n"
        "try:\n"
        "    tracing.configure('koppeling-worker')\n"
        "except tracing.TracingMisconfigured as error:\n"
        "    print(error)\n"
    )
    assert "no OpenTelemetry SDK is installed" in in_a_process(program, OTEL_TRACES_EXPORTER="otlp")
