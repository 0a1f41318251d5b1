"""The OpenAPI document is valid and says what the route table says."""

from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.admin.route_table import ROUTES
from functions.admin.services.openapi import document


def test_the_document_is_valid_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()] == []


def test_the_document_has_every_route_and_no_other() -> None:
    documented = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert documented == {(route.method, route.template) for route in ROUTES}


def test_operation_ids_are_unique() -> None:
    ids = [route.operation_id for route in ROUTES]
    assert len(ids) == len(set(ids))


def test_every_schema_that_a_route_names_exists() -> None:
    named = {name for route in ROUTES for name in (route.body, *route.responses.values()) if name is not None}
    assert named <= document()["components"]["schemas"].keys()


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


def test_the_response_to_a_batch_is_as_documented() -> None:
    shown = {"index": 0, "idempotency_key": "k", "outcome": "created", "revision": 1}
    fault = {"field": "quantity", "code": "negative", "message": "must not be negative"}
    error = {"code": "invalid", "detail": "quantity: must not be negative", "errors": [fault]}
    bad = {"index": 1, "idempotency_key": None, "outcome": "invalid", "revision": None, "error": error}
    answer = {"results": [shown, bad], "summary": {"created": 1, "invalid": 1}}
    assert valid("BatchResult", answer)
    assert valid("PushResult", shown)
    assert not valid("BatchResult", {**answer, "results": [{"outcome": "created"}]})
