"""Large documents: what is taken out comes back, and what is left makes a line."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from functions.admin.services.rating_json import steps_json
from fusion_billing.billing.large_documents import INLINE_BYTES, from_parts, join, split, to_parts
from fusion_billing.billing.rating import ComputedRating, RatingKey, computed_rating
from fusion_billing.billing.rating_document import RatingDocument
from tests.rating_documents import document_json

KEY = RatingKey("42", datetime(2026, 11, 1, tzinfo=UTC), "calls")


def _document(steps: int, corrected_steps: int = 0, description: str = "eu: 1 unit at 0.20") -> dict[str, Any]:
    step = {"description": description, "units": "1", "unit_amount": "0.20", "amount": "0.20"}
    figures = {"units": str(steps), "amount": "400.00", "unrounded_amount": "400", "steps": [step] * steps}
    if not corrected_steps:
        return document_json(**figures)
    october = {"period_start": "2026-10-01T00:00:00Z", "period_end": "2026-11-01T00:00:00Z"}
    corrects = {**october, "amount": "9.00", "invoiced_amount": "1.00", "steps": [step] * corrected_steps}
    return document_json(**figures, corrects=corrects)


def _rated(document: dict[str, Any]) -> ComputedRating:
    return computed_rating(KEY, RatingDocument.from_json(document))


@pytest.mark.parametrize("document", [_document(3), _document(3, 5)])
def test_a_small_document_is_kept_whole(document: dict[str, Any]) -> None:
    assert split(document) == (document, {})
    assert _rated(document).parts == ()


@pytest.mark.parametrize(
    "document",
    [
        _document(2_000),
        _document(2, 2_000),
        {**_document(1), "priced_by": [{"code": "x" * 40_000}]},
        _document(9_000, description="é" * 200),
    ],
)
def test_a_large_one_is_small_without_its_large_fields_and_whole_with_them(document: dict[str, Any]) -> None:
    small, large = split(document)
    assert len(_rated(document).document_json.encode()) < INLINE_BYTES
    assert join(small, from_parts(to_parts(large))) == document
    assert all(len(part) <= 350_000 for part in _rated(document).parts)


def test_the_step_left_behind_comes_to_the_amount() -> None:
    small, _ = split(_document(2_000))
    description = "2000 steps, kept with the rating"
    assert small["steps"] == [{"description": description, "units": "1", "unit_amount": "400", "amount": "400"}]


def test_steps_are_shown_as_far_as_a_response_can_contain_them() -> None:
    document = RatingDocument.from_json(_document(10_000, description="x" * 700))
    shown, first = 0, 0
    while True:
        page = steps_json(document, first)
        assert len(str(page)) < 4_000_000
        shown += len(page["steps"])
        if page["steps_next"] is None:
            break
        first = page["steps_next"]
    assert (shown, page["steps_total"]) == (10_000, 10_000)
    assert steps_json(document, 10_000)["steps"] == []


def test_the_steps_left_behind_of_a_correction_come_to_its_amount() -> None:
    small, large = split(_document(2_000, 2_000))
    description = "2000 steps, kept with the rating"
    expected = [{"description": description, "units": "1", "unit_amount": "9.00", "amount": "9.00"}]
    assert small["corrects"]["steps"] == expected
    assert set(large) == {"corrects", "steps"}


def test_fields_after_a_large_correction_are_split_off_too() -> None:
    document = _document(2, 2_000)
    assert set(split({"corrects": document["corrects"], "priced_by": ["x" * 40_000]})[1]) == {"corrects", "priced_by"}


def test_several_parts_are_read_as_one() -> None:
    large = {"priced_by": Random(1).randbytes(600_000).hex()}
    parts = to_parts(large)
    assert len(parts) > 1
    assert from_parts(parts) == large
