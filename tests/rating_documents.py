"""Rating documents for tests: valid ones, with whatever a test is about changed in their JSON."""

from typing import Any

from fusion_billing.billing.rating_document import RatingDocument

CHARGE: dict[str, Any] = {
    "code": "api_calls",
    "name": "API calls",
    "metric": "api_calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "1000",
    "model": {"type": "per_unit", "unit_amount": "0.004"},
    "active": True,
    "filters": [],
    "group_by": [],
}
JSON: dict[str, Any] = {
    "charge": "api_calls",
    "charge_name": "API calls",
    "metric": "api_calls",
    "unit": "call",
    "plan": "Pro",
    "odoo_order_id": 42,
    "odoo_product_id": 7,
    "timezone": "UTC",
    "period_start": "2026-11-01T00:00:00Z",
    "period_end": "2026-12-01T00:00:00Z",
    "units": "1250",
    "included_units": "1000",
    "overage_units": "250",
    "billable_units": "250",
    "amount": "1.00",
    "unrounded_amount": "1",
    "currency": "USD",
    "steps": [
        {"description": "Included: 1000 units", "units": "1000", "unit_amount": "0", "amount": "0"},
        {"description": "250 units at 0.004 each", "units": "250", "unit_amount": "0.004", "amount": "1"},
    ],
    "price_versions": [None],
    "priced_by": [CHARGE],
    "metric_definition": {"code": "api_calls", "name": "API calls", "unit": "call", "aggregation": "sum"},
}
"""1,250 calls in November, 1,000 of them included, as the first release wrote it."""


def document_json(**changes: Any) -> dict[str, Any]:
    """Return a document's JSON with `changes`; a field changed to None is left out."""
    return {name: value for name, value in {**JSON, **changes}.items() if value is not None}


def document(**changes: Any) -> RatingDocument:
    """Return a document with `changes` in its JSON."""
    return RatingDocument.from_json(document_json(**changes))
