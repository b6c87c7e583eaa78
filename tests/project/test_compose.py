"""The compose file is valid, and says nothing that our program does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
import yaml

from ops.setting_table import settings_table
from tests.project.repository import ROOT, files, wrong_words

SPEC = ROOT / "tests/project/compose_spec/compose-spec.json"
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def ours(compose: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our program."""
    return {name: service for name, service in compose["services"].items() if "build" in service}


def complaints(document: Mapping[str, Any]) -> list[str]:
    # As Compose itself reads it: durations are Compose's own, not ISO 8601, so formats are not checked.
    validator = jsonschema.Draft201909Validator(json.loads(SPEC.read_text()))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_it_fulfils_the_compose_specification(compose: dict[str, Any]) -> None:
    assert complaints(compose) == []


def test_the_specification_would_refuse_a_slip_of_the_pen(compose: dict[str, Any]) -> None:
    services = {**compose["services"], "worker": {**compose["services"]["worker"], "comand": "x"}}
    assert complaints({**compose, "services": services})


def test_it_has_every_part_of_an_installation(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {
        "kafka",
        "postgres",
        "migrations",
        "topics",
        "streams",
        "worker",
        "simulators",
    }
    assert compose["services"]["simulators"]["profiles"] == ["simulators"]


def test_every_command_exists(compose: dict[str, Any]) -> None:
    for name, service in ours(compose).items():
        assert wrong_words(service["command"]) is None, name


def test_every_variable_of_our_services_is_a_setting(compose: dict[str, Any]) -> None:
    known = {row.name for row in settings_table()}
    for name, service in ours(compose).items():
        assert set(service.get("environment", {})) <= known, name
    image = re.search(r"^ENV PATH=(?:.*\\\n)*.*$", DOCKERFILE, re.MULTILINE)
    assert image is not None
    assert set(re.findall(r"^ENV (\w+)|^\s+(\w+)=", image[0], re.MULTILINE))
    own = {name for name in re.findall(r"(\w+)=", image[0]) if name not in {"PATH", "PYTHONUNBUFFERED"}}
    assert own <= known


def test_every_dependency_names_a_service_and_waits_for_what_it_can(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"], other
            if how["condition"] == "service_completed_successfully":
                # One that is restarted for ever never completes.
                assert services[other]["restart"] in {"no", "on-failure"}, other


def test_every_named_volume_is_declared_and_used(compose: dict[str, Any]) -> None:
    mounted = {
        mount.partition(":")[0]
        for service in compose["services"].values()
        for mount in service.get("volumes", [])
    }
    assert mounted == set(compose["volumes"])


def test_no_secret_is_in_the_file(compose: dict[str, Any]) -> None:
    secret = {row.name for row in settings_table() if row.secret} | {"POSTGRES_PASSWORD"}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if name in secret:
                assert "${" in value, name


def test_what_must_be_chosen_has_no_default(compose: dict[str, Any]) -> None:
    text = COMPOSE.read_text()
    for name in ("POSTGRES_PASSWORD", "CREDENTIALS__KEYS"):
        assert re.findall(rf"\${{{name}(..)", text)
        assert set(re.findall(rf"\${{{name}(..)", text)) == {":?"}
    assert compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]


def test_only_the_own_machine_reaches_the_published_ports(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_gets_every_file_that_it_copies() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_gets_every_package_of_the_distribution() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert all(f"COPY {package} {package}\n" in DOCKERFILE for package in packages)
    roots = {path.parts[0] for path in files() if path.name == "__init__.py"}
    assert set(packages) == roots - {"bench", "tests"}


def test_the_image_asks_for_health_with_a_command_that_exists() -> None:
    asked = re.search(r"CMD koppeling (\S+)", DOCKERFILE)
    assert asked is not None
    assert wrong_words([asked[1]]) is None


def test_image_and_makefile_use_the_same_uv() -> None:
    makefile = re.search(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    image = re.search(r"uv==(\S+)", DOCKERFILE)
    assert makefile is not None
    assert image is not None
    assert makefile[1] == image[1]


def test_the_image_runs_without_root() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["koppeling"]
