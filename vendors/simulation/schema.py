"""JSON Schemas of the control interface: served by every simulator, exported for those who drive one."""

from __future__ import annotations

from pydantic import BaseModel, JsonValue, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from vendors.simulation import contract
from vendors.simulation.packages import PACKAGES_WITH_SIMULATOR, settings_model

REQUESTS: dict[str, tuple[type[BaseModel] | None, type[BaseModel] | None]] = {
    "GET /_simulator/books": (None, contract.BooksAnswer),
    "POST /_simulator/payments": (contract.PaymentRequest, contract.PaymentAnswer),
    "POST /_simulator/faults": (contract.FaultRequest, contract.FaultAnswer),
    "GET /_simulator/faults": (None, contract.FaultsAnswer),
    "GET /_simulator/faults/{fault}": (None, contract.FaultAnswer),
    "DELETE /_simulator/faults": (None, contract.Done),
    "DELETE /_simulator/faults/{fault}": (None, contract.Done),
    "POST /_simulator/reset": (contract.ResetRequest, contract.Done),
    "GET /_simulator/log": (None, contract.LogAnswer),
    "POST /_simulator/companies": (contract.NewCompany, contract.CompanyAnswer),
    "GET /_simulator/companies": (None, contract.CompaniesAnswer),
    "GET /_simulator/companies/{company}": (None, contract.CompanyAnswer),
    "POST /_simulator/settings": (contract.SettingsRequest, contract.CompanyAnswer),
    "GET /_simulator/schema": (None, None),
}
"""Every request with the model of its body and of its answer; any refusal answers `Problem`."""

QUERIES: dict[str, list[str]] = {
    "GET /_simulator/books": ["company", "package"],
    "GET /_simulator/log": ["since", "company", "operation"],
}


def control_schema() -> dict[str, JsonValue]:
    """JSON Schemas of all requests and answers with shared definitions, and of each package's settings."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(contract.Problem, "serialization")]
    for request, answer in REQUESTS.values():
        if request is not None:
            wanted.append((request, "validation"))
        if answer is not None:
            wanted.append((answer, "serialization"))
    references, definitions = models_json_schema(list(dict.fromkeys(wanted)))
    requests: dict[str, object] = {}
    for name, (request, answer) in REQUESTS.items():
        entry: dict[str, object] = {"refusal": references[contract.Problem, "serialization"]}
        if request is not None:
            entry["request"] = references[request, "validation"]
        if answer is not None:
            entry["answer"] = references[answer, "serialization"]
        if name in QUERIES:
            entry["query"] = QUERIES[name]
        requests[name] = entry
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Control interface of the simulators",
        "requests": requests,
        "settings": {
            package: settings_model(package).model_json_schema() for package in PACKAGES_WITH_SIMULATOR
        },
        "$defs": definitions["$defs"],
    }
    return TypeAdapter(dict[str, JsonValue]).validate_python(document)
