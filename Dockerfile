# syntax=docker/dockerfile:1

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /app
# Dependencies first: they change more rarely than our own code.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project
COPY schemas schemas
COPY ledger ledger
COPY telemetry telemetry
COPY vendors vendors
COPY streams streams
COPY sinks sinks
COPY sources sources
COPY ops ops
RUN uv sync --locked --no-dev --no-editable

FROM python:3.11-slim
# tzdata: what an administration's day is, is decided in Europe/Amsterdam.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/koppeling koppeling \
    && install --directory --owner koppeling /var/lib/koppeling/files
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/var/lib/koppeling \
    LOG__FORMAT=json
USER koppeling
WORKDIR /var/lib/koppeling
# Health is progress: 3 means that a person is needed, which no restart helps.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD koppeling status >/dev/null 2>&1 || [ $? -eq 3 ]
STOPSIGNAL SIGTERM
ENTRYPOINT ["koppeling"]
CMD ["--help"]
