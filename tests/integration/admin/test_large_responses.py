"""No page is larger than a response may be, whatever it lists."""

import json
from typing import Any

import pytest

from functions.admin import responses

LAMBDA_BYTES = 6_000_000


def pages(admin: Any, path: str) -> list[Any]:
    """Return the pages of a list, each held against what a response may have."""
    found: list[Any] = []
    cursor = None
    while True:
        query = {"limit": "500"} | ({} if cursor is None else {"cursor": cursor})
        answer = admin.get(path, query=query)
        assert answer.status == 200, answer.json
        body = json.dumps(answer.json, ensure_ascii=False)
        assert len(json.dumps(body, ensure_ascii=False).encode()) < LAMBDA_BYTES
        found.append(answer.json["items"])
        cursor = answer.json["cursor"]
        if cursor is None:
            return found


def test_large_sources_come_in_small_pages(admin: Any) -> None:
    for number in range(90):
        body = {"name": f"App {number}", "metrics": [f"{number:03}{code:061}" for code in range(1_000)]}
        assert admin.post("/v1/sources", body).status == 201
    found = pages(admin, "/v1/sources")
    assert len(found) > 1
    items = [item["id"] for page in found for item in page]
    assert len(items) == len(set(items)) == 91


def test_large_charges_come_in_small_pages(admin: Any) -> None:
    admin.put("/v1/metrics/calls", {"name": "Calls", "unit": "call", "aggregation": "sum"})
    charge: dict[str, Any] = {
        "name": "é" * 256,
        "metric": "calls",
        "applies_to": {"plans": [f"{number:03}{'é' * 240}" for number in range(500)]},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {"type": "per_unit", "unit_amount": "0.004"},
    }
    for number in range(20):
        answer = admin.put(f"/v1/charges/calls_{number}", charge)
        assert answer.status == 201, answer.json
    found = pages(admin, "/v1/charges")
    assert len(found) > 1
    assert len({item["code"] for page in found for item in page}) == 20


@pytest.mark.parametrize("text", ["é", "\ud800"])
def test_text_that_is_not_utf_8_is_still_sent(text: str) -> None:
    response = responses.json_response(200, {"text": text})
    assert json.loads(response.body.encode()) == {"text": text}
