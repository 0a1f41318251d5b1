"""A key that is bound elsewhere: the answer names the field, and what is stored."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "case",
    [
        ({"subscription": "43"}, "subscription", "42"),
        ({"metric": "seats"}, "metric", "api_calls"),
        ({"period_start": "2026-11-03T06:00:00Z"}, "period_start", "2026-11-03T00:00:00Z"),
        ({"period_end": "2026-11-05T00:00:00Z"}, "period_end", "2026-11-04T00:00:00Z"),
        ({"properties": {"region": "us"}}, "properties.region", "eu"),
        ({"properties": {"region": "eu", "zone": "b"}}, "properties.zone", None),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_a_conflict_names_the_field_and_what_is_stored(
    ingest: Any, record: Make, case: tuple[dict[str, Any], str, str | None], single: bool
) -> None:
    changes, field, stored = case
    original = record(properties={"region": "eu"})
    ingest.push(original)
    other = original | changes
    if single:
        status, error = ingest.push(other)
        assert status == 409
    else:
        _, answer = ingest.push({"records": [other, record(idempotency_key="k2")]})
        error = answer["results"][0]["error"]
    assert error["code"] == "conflict"
    assert [(e["field"], e["code"], e.get("stored")) for e in error["errors"]] == [(field, "conflict", stored)]


def test_the_response_to_the_worst_conflicts_has_a_bounded_size(ingest: Any, record: Make) -> None:
    wide = "\U0001f600"
    batch = [
        record(
            idempotency_key=f"{n:03d}" + wide * 253,
            properties={f"{p}" + wide * 60: wide * 180 for p in range(4)},
        )
        for n in range(500)
    ]
    assert ingest.push(json.dumps({"records": batch}, ensure_ascii=False).encode())[0] == 200
    moved = [{**each, "metric": "seats", "subscription": "43", "properties": {}} for each in batch]
    _, answer = ingest.push(json.dumps({"records": moved}, ensure_ascii=False).encode())
    assert answer["summary"] == {"conflict": 500}
    assert len(json.dumps(answer)) < 5_500_000
