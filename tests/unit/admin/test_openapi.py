"""The OpenAPI document: valid, and true of the routes: each is in it, and it names no other."""

import pkgutil
import re
from importlib import import_module

import pytest
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
    return {(route.method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in found}


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
        rule[0]
        for name in app.TOPICS[app.topic_of(path)]
        for rule in import_module(f"functions.admin.routes.{name}").router._routes
    }
    assert path.replace("{", "<").replace("}", ">") in rules
