"""Errors as problem+json."""

import json

import pytest

from fusion_billing.errors import (
    Conflict,
    Fault,
    Forbidden,
    FusionError,
    InUse,
    NotFound,
    Refused,
    Unauthenticated,
    Unavailable,
)
from fusion_billing.http import problem

FAULT = Fault("quantity", "negative", "must not be negative")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused([FAULT]), 422, "invalid"),
        (Refused([FAULT], code="malformed_json"), 400, "malformed_json"),
        (Refused([FAULT], code="not_an_object"), 400, "not_an_object"),
        (Refused([FAULT], code="invalid_parameter"), 400, "invalid_parameter"),
        (Refused([FAULT], code="too_large"), 413, "too_large"),
        (Refused([FAULT], code="too_many_records"), 413, "too_many_records"),
        (Unauthenticated("who"), 401, "unauthenticated"),
        (Forbidden("no"), 403, "forbidden"),
        (NotFound("none"), 404, "not_found"),
        (Conflict("other"), 409, "conflict"),
        (InUse("used"), 409, "in_use"),
        (Unavailable("later"), 503, "unavailable"),
        (FusionError("what"), 500, "error"),
    ],
)
def test_each_error_has_its_status_and_code(error: FusionError, status: int, code: str) -> None:
    response = problem.error_response(error)
    body = json.loads(response["body"])
    assert response["statusCode"] == body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:fusion-billing:problem:{code}"
    assert body["title"]
    assert body["detail"] == error.message
    assert response["headers"]["content-type"] == "application/problem+json"


def test_a_refusal_names_each_field() -> None:
    _, body = problem.of_error(Refused([FAULT, Fault("", "odd", "is odd")]), {"outcome": "invalid"})
    assert body["errors"] == [
        {"field": "quantity", "code": "negative", "message": "must not be negative"},
        {"field": "", "code": "odd", "message": "is odd"},
    ]
    assert body["outcome"] == "invalid"


def test_a_401_says_how_to_authenticate_and_a_503_when_to_retry() -> None:
    assert problem.error_response(Unauthenticated("who"))["headers"]["www-authenticate"].startswith("Bearer")
    assert problem.error_response(Unavailable("later"))["headers"]["retry-after"] == "1"


def test_an_unexpected_error_shows_its_reference_only() -> None:
    response = problem.unexpected_response("abc123")
    body = json.loads(response["body"])
    assert (response["statusCode"], body["code"], body["reference"]) == (500, "internal_error", "abc123")


def test_the_log_has_the_places_of_an_error_not_its_message() -> None:
    with pytest.raises(ValueError, match="4711") as raised:
        int("secret 4711")
    shown = problem.places(raised.value)
    assert shown["error"] == "ValueError"
    assert "test_problem" in shown["places"][0]
    assert "4711" not in str(shown)


@pytest.mark.parametrize("count", [1, 100, 101, 200_000])
def test_a_hundred_faults_are_listed_and_all_are_counted(count: int) -> None:
    response = problem.error_response(Refused([Fault(f"field_{n}", "odd", "is odd") for n in range(count)]))
    body = json.loads(response["body"])
    assert (len(body["errors"]), body["errors_total"]) == (min(count, 100), count)
    assert len(response["body"]) < 20_000


def test_no_name_makes_an_answer_large() -> None:
    name = "\U0001f600" * 1_000_000
    response = problem.error_response(Refused([Fault(name, "odd", name)] * 200))
    assert len(response["body"]) < 2_000_000
    assert json.loads(response["body"])["errors"][0]["field"] == name[:255] + "…"


def test_what_is_stored_instead_is_shown() -> None:
    fault = Fault("metric", "conflict", "is another in the stored record", stored="seats").under("records.0")
    _, body = problem.of_error(Refused([fault]))
    assert body["errors"][0] | {"message": ""} == {
        "field": "records.0.metric",
        "code": "conflict",
        "message": "",
        "stored": "seats",
    }
