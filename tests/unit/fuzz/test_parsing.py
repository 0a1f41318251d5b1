"""Whatever is parsed gives a value or a refusal with a documented code, and raises nothing else."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.admin.cursors import read_cursor, write_cursor
from functions.admin.request import Request
from functions.admin.route_table.path_parameters import PATTERNS, exists
from functions.admin.routes import rating_lists
from functions.ingest.request import read_batch, read_body
from fusion_billing import strict_json
from fusion_billing.access import keys, portal_tokens, sessions
from fusion_billing.access.portal_tokens import PortalSecret
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse as parse_definition
from fusion_billing.decimals import parse_decimal, plain
from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.errors import FusionError, Refused
from fusion_billing.instants import parse_instant, parse_query_instant, sortable
from fusion_billing.metering.parsing import parse, readable_key

NOW = datetime(2026, 11, 15, tzinfo=UTC)
LIST = "/v1/metrics?[]"
SECRET = PortalSecret("s" * 64)

any_text = st.text() | st.text(st.characters(categories=None), max_size=40)
"""Text, lone surrogates in some."""

near_times = st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?[0-9:.]{0,14}(Z|[+-][0-9]{2}:[0-9]{2})?", fullmatch=True)
near_decimals = st.from_regex(r"[+-]?[0-9]{0,50}\.?[0-9]{0,50}([eE][+-]?[0-9]{1,12})?", fullmatch=True)
texts = (
    any_text
    | near_times
    | near_decimals
    | st.sampled_from(["NaN", "Infinity", "-0", "1_0", "٣", "", " 1", "1e999999999"])
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)

RECORD = {
    "idempotency_key": "k",
    "subscription": "42",
    "metric": "calls",
    "period_start": "2026-11-03T00:00:00Z",
    "period_end": "2026-11-04T00:00:00Z",
    "quantity": "1",
    "sequence": 1,
    "member": "m",
    "properties": {"region": "eu"},
    "source": "src_app",
}


def result_of(parser: Callable[[], object]) -> object:
    """Return what a parser returns, or its refusal, once its codes are documented."""
    refusal: FusionError
    try:
        return parser()
    except FusionError as error:
        refusal = error
    assert refusal.code in ERROR_CODES
    if isinstance(refusal, Refused):
        assert {fault.code for fault in refusal.faults} <= ERROR_CODES.keys()
        assert refusal.total >= len(refusal.faults)
    return refusal


def changed(base: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that differ from `base` in a few fields."""
    return st.dictionaries(st.sampled_from(sorted(base)) | texts, json_values, max_size=3).map(
        lambda changes: {**base, **changes}
    )


@given(any_text)
def test_any_text_as_a_cursor_is_refused(text: str) -> None:
    result = result_of(lambda: read_cursor(text, LIST))
    assert isinstance(result, Refused)
    assert result.code == "bad_cursor"


@given(any_text.filter(bool))
def test_a_cursor_gives_its_position_to_its_own_list_alone(position: str) -> None:
    cursor = write_cursor(position, LIST)
    assert read_cursor(cursor, LIST) == position
    assert isinstance(result_of(lambda: read_cursor(cursor, f"{LIST}x")), Refused)


@given(any_text.filter(bool), st.data())
def test_a_cursor_that_was_cut_or_changed_is_refused(position: str, data: st.DataObject) -> None:
    cursor = write_cursor(position, LIST)
    at = data.draw(st.integers(0, len(cursor) - 1))
    cut = result_of(lambda: read_cursor(cursor[:at], LIST))
    assert isinstance(cut, Refused)
    forged = cursor[:at] + data.draw(st.characters(codec="ascii")) + cursor[at + 1 :]
    assert isinstance(result_of(lambda: read_cursor(forged, LIST)), Refused | str)


@given(st.binary(max_size=60))
def test_encoded_bytes_as_a_cursor_are_refused(raw: bytes) -> None:
    cursor = base64.urlsafe_b64encode(raw).decode()
    assert isinstance(result_of(lambda: read_cursor(cursor, LIST)), Refused)


@pytest.mark.parametrize("name", PATTERNS)
@given(text=any_text)
def test_any_text_as_an_identifier_exists_or_not(name: str, text: str) -> None:
    assert exists(name, text) in {True, False}


@given(any_text | any_text.map(lambda text: f"fb_{text}") | any_text.map(lambda text: f"fbp1.{text}"))
def test_any_text_as_a_credential_is_read_or_refused(text: str) -> None:
    assert keys.parse(text) is None or text.startswith("fb_")
    assert sessions.read_cookie(f"{sessions.COOKIE}={text}") is None or "." in text
    assert isinstance(portal_tokens.secret_id_of(text), str | None)
    assert isinstance(result_of(lambda: portal_tokens.principal_of(text, [SECRET], NOW)), FusionError)


@given(st.data())
def test_a_portal_token_that_was_changed_is_refused(data: st.DataObject) -> None:
    token = portal_tokens.issue("42", datetime(2026, 11, 16, tzinfo=UTC), SECRET)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda new: new != token[at]))
    forged = token[:at] + other + token[at + 1 :]
    assert isinstance(result_of(lambda: portal_tokens.principal_of(forged, [SECRET], NOW)), FusionError)
    assert isinstance(result_of(lambda: portal_tokens.principal_of(token[:at], [SECRET], NOW)), FusionError)


@given(st.binary() | any_text | json_values.map(json.dumps))
def test_any_bytes_or_text_as_json_are_read_or_refused(body: bytes | str) -> None:
    result = result_of(lambda: strict_json.loads(body))
    assert not isinstance(result, FusionError) or result.code == "malformed_json"
    if not isinstance(result, FusionError):
        strict_json.first_ambiguity(result)


@given(any_text | st.binary() | json_values.map(json.dumps), st.booleans())
def test_any_body_of_either_function_is_read_or_refused(body: bytes | str, encoded: bool) -> None:
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    event = {"body": text, "isBase64Encoded": encoded}
    result_of(lambda: Request(event, {}, NOW).json())
    read = result_of(lambda: read_body(event))
    if isinstance(read, dict) and "records" in read:
        result_of(lambda: read_batch(read, {}))


@given(changed({"records": [RECORD]}))
def test_any_batch_is_read_or_refused(body: dict[str, Any]) -> None:
    read = strict_json.loads(json.dumps(body))
    assert isinstance(read, dict)
    result_of(lambda: read_batch(read, {}))


@given(json_values | changed(RECORD), st.none() | any_text)
def test_any_json_as_a_usage_record_is_read_or_refused(value: object, header: str | None) -> None:
    read = strict_json.loads(json.dumps(value))
    assert isinstance(readable_key(read), str | None)
    result_of(lambda: parse(read, lambda: "made", header))


@given(json_values | near_times)
def test_any_value_as_a_time_is_read_or_refused(value: object) -> None:
    for parser in (lambda: parse_instant(value), lambda: parse_query_instant(str(value), "at")):
        result = result_of(parser)
        if isinstance(result, datetime):
            assert result.utcoffset() is not None
            assert parse_instant(sortable(result)) == result


@given(json_values | near_decimals | near_decimals.map(strict_json.Number) | st.decimals())
def test_any_value_as_a_decimal_is_read_or_refused(value: object) -> None:
    result = result_of(lambda: parse_decimal(value, negative=True))
    if not isinstance(result, FusionError):
        assert isinstance(result, Decimal)
        assert result.is_finite()
        assert parse_decimal(plain(result), negative=True) == result


@given(st.fixed_dictionaries(dict.fromkeys(("period_end_from", "period_end_to"), texts), optional={"charge": any_text}))
def test_any_bounds_of_a_list_are_read_or_refused(query: dict[str, str]) -> None:
    result_of(lambda: rating_lists._filters(query))


CHARGE = {
    "code": "calls",
    "name": "API calls",
    "metric": "calls",
    "applies_to": {"all": True},
    "currency": "USD",
    "odoo_product_id": 7,
    "model": {"type": "graduated", "tiers": [{"up_to": 1, "unit_amount": "1"}, {"up_to": None, "unit_amount": "2"}]},
    "unit_conversion": {"operation": "divide", "factor": "60", "rounding": "up"},
    "filters": [{"properties": {"region": ["eu"]}, "model": {"type": "flat", "amount": "1"}}],
    "valid_from": "2026-11-01",
}
SUBSCRIPTION = {
    "id": "42",
    "odoo_order_id": 42,
    "name": "S00042",
    "customer_name": "Azure Interior",
    "plan": "Pro",
    "state": "3_progress",
    "currency": "USD",
    "timezone": "UTC",
    "start_date": "2026-01-01",
    "billing_period": {"value": 1, "unit": "month"},
    "next_invoice_date": "2026-12-01",
    "overrides": {"calls": {"included_units": "1"}},
}


@given(changed(CHARGE))
def test_any_json_as_a_charge_is_read_or_refused(value: dict[str, Any]) -> None:
    result_of(lambda: parse_definition(Charge, strict_json.loads(json.dumps(value))))


@given(changed({"code": "calls", "name": "x", "aggregation": "sum", "rounding": {"mode": "up", "digits": 0}}))
def test_any_json_as_a_metric_is_read_or_refused(value: dict[str, Any]) -> None:
    result_of(lambda: parse_definition(Metric, strict_json.loads(json.dumps(value))))


@given(changed(SUBSCRIPTION))
def test_any_json_as_a_subscription_is_read_or_refused(value: dict[str, Any]) -> None:
    result_of(lambda: parse_definition(Subscription, strict_json.loads(json.dumps(value))))


def test_half_a_surrogate_pair_is_refused_by_name() -> None:
    with pytest.raises(Refused) as refused:
        parse_definition(Subscription, {**SUBSCRIPTION, "state": "\ud800"})

    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("state", "invalid_characters")]
