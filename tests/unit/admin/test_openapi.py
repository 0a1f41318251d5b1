"""The OpenAPI document is valid, says what the route table says, and describes all that it names."""

import re
from collections.abc import Iterator
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


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each operation, of routes and webhooks, with its id."""
    for methods in [*document()["paths"].values(), *document()["webhooks"].values()]:
        for operation in methods.values():
            yield operation["operationId"], operation


def properties(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each property in a schema, at any depth, with its path."""
    for name, each in schema.get("properties", {}).items():
        yield f"{path}.{name}", each
        yield from properties(each, f"{path}.{name}")
    inner = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in inner:
        yield from properties(each, path)


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each body, of requests and responses, with its path."""
    for name, operation in operations():
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {media}", content
        for status, response in operation["responses"].items():
            for media, content in response.get("content", {}).items():
                yield f"{name} {status} {media}", content


def every_property() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each property of the document."""
    for name, schema in document()["components"]["schemas"].items():
        yield from properties(schema, name)
    for name, content in contents():
        yield from properties(content["schema"], name)


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": document()["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def test_operation_ids_are_unique_words() -> None:
    ids = [name for name, _ in operations()]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not re.fullmatch("[a-z]+(_[a-z]+)*", name)] == []


def test_every_operation_parameter_and_property_is_described() -> None:
    assert [name for name, operation in operations() if not operation.get("description")] == []
    parameters = {each["name"]: each for _, operation in operations() for each in operation.get("parameters", ())}
    assert [name for name, each in parameters.items() if not each.get("description")] == []
    assert sorted({path for path, each in every_property() if not each.get("description")}) == []
    assert [tag["name"] for tag in document()["tags"] if not tag.get("description")] == []


def test_everything_has_an_example_that_is_valid() -> None:
    found = {path: faults(each, each["examples"][0]) for path, each in every_property()}
    for name, schema in document()["components"]["schemas"].items():
        found[name] = faults(schema, schema["examples"][0])
    for name, content in contents():
        found[name] = faults(content["schema"], content["example"])
    for name, operation in operations():
        for each in operation.get("parameters", ()):
            found[f"{name} {each['name']}"] = faults(each["schema"], each["example"])
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


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
