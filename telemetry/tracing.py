"""The trace that a document belongs to: from ENK's `traceparent` to the calls made for it, and to its logs.

Spans go through the OpenTelemetry API. They exist only where an SDK is configured (`configure`); without one
nothing of it runs, and ENK's own `traceparent` is passed on as it is, which W3C Trace Context allows.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from importlib.util import find_spec

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import ProxyTracerProvider, SpanKind, Tracer, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"
_SCOPE = "enk-koppeling"
_NOTHING: AbstractContextManager[None] = nullcontext()
_W3C = TraceContextTextMapPropagator()

_TRACEPARENT: ContextVar[str | None] = ContextVar("koppeling_traceparent", default=None)
_tracer: Tracer | None = None


class TracingMisconfigured(Exception):
    """`OTEL_TRACES_EXPORTER` asks for spans and no SDK is installed; the text says what to do."""


def configure(service: str, environment: Mapping[str, str] | None = None) -> bool:
    """Export spans if the environment asks for it; returns whether spans are made.

    `OTEL_TRACES_EXPORTER` (`otlp`, `console`, …) asks for it; the SDK reads the rest of `OTEL_*` itself.
    A provider that was set before (`opentelemetry-instrument`) is used as it is.

    Raises:
        TracingMisconfigured: the SDK is not installed.
    """
    values = os.environ if environment is None else environment
    if isinstance(trace.get_tracer_provider(), ProxyTracerProvider):
        wanted = values.get("OTEL_TRACES_EXPORTER", "").strip().lower()
        if wanted in ("", "none") or values.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            use(None)
            return False
        if find_spec("opentelemetry.sdk") is None:
            raise TracingMisconfigured(
                f"OTEL_TRACES_EXPORTER is {wanted}, but no OpenTelemetry SDK is installed: "
                "`pip install opentelemetry-sdk` and the exporter's package, or take the variable out."
            )
        os.environ.setdefault("OTEL_SERVICE_NAME", service)
        # What OpenTelemetry's own launcher runs: everything comes from OTEL_*.
        importlib.import_module("opentelemetry.sdk._configuration")._OTelSDKConfigurator().configure()
    use(trace.get_tracer_provider())
    return True


def use(provider: TracerProvider | None) -> None:
    """Make spans with this provider; None makes none."""
    global _tracer
    _tracer = None if provider is None else provider.get_tracer(_SCOPE)


def trace_id(traceparent: str | None) -> str | None:
    """The trace's id, 32 hexadecimal digits, of a well-formed traceparent."""
    return None if traceparent is None else traceparent[3:35]


@contextmanager
def working_on(name: str, traceparent: str | None, **what: object) -> Iterator[None]:
    """Work on something of that trace: `what` and the trace are in every log line, calls carry the trace.

    Args:
        name: of the span.
        traceparent: well-formed, or None when it belongs to no trace.
        what: names and values for the log lines and the span; values must be str, int, float or bool.
    """
    if _tracer is None:
        token = _TRACEPARENT.set(traceparent)
        tokens = structlog.contextvars.bind_contextvars(**what, trace=trace_id(traceparent))
        try:
            yield
        finally:
            structlog.contextvars.reset_contextvars(**tokens)
            _TRACEPARENT.reset(token)
        return
    parent = _W3C.extract({HEADER: traceparent} if traceparent else {}, Context())
    attributes = {f"koppeling.{key}": str(value) for key, value in what.items()}
    with _tracer.start_as_current_span(name, parent, SpanKind.CONSUMER, attributes) as span:
        found = f"{span.get_span_context().trace_id:032x}"
        with structlog.contextvars.bound_contextvars(**what, trace=found):
            yield


def call(package: str, operation: str) -> AbstractContextManager[object]:
    """A call to a package, as a span."""
    if _tracer is None:
        return _NOTHING
    attributes = {"koppeling.package": package, "koppeling.operation": operation}
    name = f"{package} {operation}".strip()
    return _tracer.start_as_current_span(name, None, SpanKind.CLIENT, attributes)


def note(**what: str | int) -> None:
    """Add to the span of what is being done now."""
    if _tracer is not None:
        trace.get_current_span().set_attributes({f"koppeling.{name}": value for name, value in what.items()})


def outgoing() -> dict[str, str]:
    """The headers that a call made now carries; empty when it belongs to no trace."""
    if _tracer is not None:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        carrier.pop("tracestate", None)
        return carrier
    traceparent = _TRACEPARENT.get()
    return {} if traceparent is None else {HEADER: traceparent}
