"""What a body may hold beyond its definition."""

from typing import Any

import pytest

from functions.admin.services import read_only_fields
from fusion_billing import strict_json
from fusion_billing.errors import Conflict, Refused

STORED: dict[str, Any] = {"version": 3, "versions": [{"product": 7, "price": "0.10", "active": True}]}


def test_a_body_is_split_into_its_definition_and_what_is_shown_besides() -> None:
    body = {"name": "x", "version": 3, "versions": [], "origin": None}
    assert read_only_fields.split(body, ("versions", "origin")) == ({"name": "x"}, {"version": 3, "versions": []})


def test_what_is_shown_comes_back_as_it_was() -> None:
    read_only_fields.check(
        strict_json.loads('{"version": 3, "versions": [{"product": 7, "price": "0.10", "active": true}]}'),
        STORED,
    )
    read_only_fields.check({}, None)


@pytest.mark.parametrize("version", ["4", "-3", "0"])
def test_another_version_is_refused(version: str) -> None:
    with pytest.raises(Conflict) as refused:
        read_only_fields.check(strict_json.loads(f'{{"version": {version}}}'), STORED)
    assert refused.value.code == "version_conflict"


@pytest.mark.parametrize("version", ["9" * 5_000, "3.0", "3e0", "1e99999999999999999999", "NaN", '"3"', "true"])
def test_a_version_that_is_no_whole_number_is_refused_by_name(version: str) -> None:
    with pytest.raises(Refused) as refused:
        read_only_fields.check(strict_json.loads(f'{{"version": {version}}}'), STORED)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("version", "not_an_integer")]


@pytest.mark.parametrize("product", ["8", "9" * 5_000, "1e99999999999999999999", "Infinity", "null"])
def test_another_value_of_what_is_shown_only_is_refused_by_name(product: str) -> None:
    body = f'{{"versions": [{{"product": {product}, "price": "0.10", "active": true}}]}}'
    with pytest.raises(Refused) as refused:
        read_only_fields.check(strict_json.loads(body), STORED)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("versions", "read_only")]
