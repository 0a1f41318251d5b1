"""The OpenAPI document: valid, and true of the routes: each is in it, and it names no other."""

import pkgutil
import re
from importlib import import_module
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.admin import app, routes
from functions.admin.services.openapi import document
from functions.admin.services.openapi.operations import OPERATIONS

INGEST = ("POST", "/v1/usage")  # the one route that is another function's


def documented() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}


def routed() -> set[tuple[str, str]]:
    for topic in app.TOPICS:
        app.include(topic)
    found = app.app._static_routes + app.app._dynamic_routes
    return {(route.method, shown(route.path)) for route in found}


def shown(rule: str) -> str:
    return re.sub(r"<(?:any_)?(\w+)>", r"{\1}", rule)


def test_the_document_is_valid_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()] == []


def test_every_route_is_documented_and_no_other() -> None:
    assert routed() == documented() - {INGEST}


def test_every_module_of_routes_belongs_to_a_topic() -> None:
    modules = {module.name for module in pkgutil.iter_modules(routes.__path__)}
    assert modules == {name for names in app.TOPICS.values() for name in names}


def test_operation_ids_are_unique() -> None:
    ids = [operation.id for _, operations in OPERATIONS for operation in operations]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", sorted({path for method, path in documented() if (method, path) != INGEST}))
def test_every_path_is_found_by_the_word_it_begins_with(path: str) -> None:
    """A topic's routers are imported for its own paths alone: one under another's would never be found."""
    rules = {
        shown(rule[0])
        for name in app.TOPICS[app.topic_of(path)]
        for rule in import_module(f"functions.admin.routes.{name}").router._routes
    }
    assert path in rules


def valid(schema: str, value: Any) -> bool:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    return bool(Draft202012Validator(whole).is_valid(value))


def test_decimals_are_taken_as_text_or_number_and_shown_as_text() -> None:
    charge = {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {"type": "per_unit", "unit_amount": 0.004},
    }
    as_text = charge | {"model": {"type": "per_unit", "unit_amount": "0.004"}}
    assert valid("ChargeDefinition", charge)
    assert valid("ChargeDefinition", as_text)
    assert not valid("ChargeDefinition", charge | {"included_units": -1})
    assert not valid("Charge", charge | {"code": "calls", "version": 1})
    assert valid("Charge", as_text | {"code": "calls", "version": 1})


def test_a_batch_s_answer_is_as_documented() -> None:
    told = {"index": 0, "idempotency_key": "k", "outcome": "created", "revision": 1}
    fault = {"field": "quantity", "code": "negative", "message": "must not be negative"}
    error = {"code": "invalid", "detail": "quantity: must not be negative", "errors": [fault]}
    bad = {"index": 1, "idempotency_key": None, "outcome": "invalid", "revision": None, "error": error}
    answer = {"results": [told, bad], "summary": {"created": 1, "invalid": 1}}
    assert valid("BatchResult", answer)
    assert valid("PushResult", told)
    assert not valid("BatchResult", {**answer, "results": [{"outcome": "created"}]})
