"""The bodies that docs/catalog.md shows are taken as they stand, and show every field and model."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

from functions.admin.services.openapi import document
from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.filters import unreachable_filters
from fusion_billing.catalog.metric import Aggregation, Metric
from fusion_billing.catalog.price_models import PriceModel, model_faults
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse

PAGE = (Path(__file__).parents[3] / "docs" / "catalog.md").read_text()
BLOCKS = re.findall(r"^```json (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
DEFINITIONS: dict[str, type[BaseModel]] = {"metric": Metric, "charge": Charge, "subscription": Subscription}
ANSWERS = {"dry_run": "DryRun", "history": "DefinitionChange"}


def _bodies(kind: str) -> list[Any]:
    return [json.loads(text) for found, text in BLOCKS if found == kind]


def test_every_block_is_of_a_kind_that_is_looked_at() -> None:
    assert {kind for kind, _ in BLOCKS} == {*DEFINITIONS, *ANSWERS, "model"}


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_each_definition_is_taken_as_it_is_shown(kind: str) -> None:
    for body in _bodies(kind):
        made = parse(DEFINITIONS[kind], body)
        shown = made.as_json()  # type: ignore[attr-defined]
        assert set(body) <= set(shown)
        assert parse(DEFINITIONS[kind], shown) == made
        assert list(unreachable_filters(body.get("filters"))) == []


@pytest.mark.parametrize(
    ("kind", "left_out"), [("metric", set()), ("charge", set()), ("subscription", {"payment_exception"})]
)
def test_every_field_is_shown(kind: str, left_out: set[str]) -> None:
    shown = {name for body in _bodies(kind) for name in body}
    assert shown == set(DEFINITIONS[kind].model_fields) - left_out


def test_every_model_is_shown_with_all_its_fields() -> None:
    shown: dict[str, set[str]] = {}
    for body in _bodies("model"):
        TypeAdapter(PriceModel).validate_python(body)
        assert list(model_faults(body)) == []
        shown[body["type"]] = set(body)
    models = get_args(get_args(PriceModel)[0])
    assert shown == {get_args(model.model_fields["type"].annotation)[0]: set(model.model_fields) for model in models}


def test_every_aggregation_is_named() -> None:
    assert [name for name in get_args(Aggregation) if f"`{name}`" not in PAGE] == []


def test_an_override_is_shown_plain_and_dated() -> None:
    (body,) = _bodies("subscription")
    shapes = {type(override) for override in body["overrides"].values()}
    assert shapes == {dict, list}
    for override in body["overrides"]["storage"]:
        assert parse(ChargeOverride, override).as_json() == override


@pytest.mark.parametrize("kind", ANSWERS)
def test_each_answer_is_as_documented(kind: str) -> None:
    schema = {"$ref": f"#/components/schemas/{ANSWERS[kind]}", "components": document()["components"]}
    for body in _bodies(kind):
        assert [error.message for error in Draft202012Validator(schema).iter_errors(body)] == []
