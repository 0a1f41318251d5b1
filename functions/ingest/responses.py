"""Responses to `POST /v1/usage`: the result of one record, or of each record of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.ingest.result import Result
from fusion_billing.http import problem
from fusion_billing.http.api_gateway import json_response
from fusion_billing.json_types import JsonObject
from fusion_billing.metering.outcome import ACCEPTED, CONFLICT, CREATED, INVALID

_STATUS_OF_FAILURES = {CONFLICT: 409, INVALID: 422}


def single_response(result: Result) -> JsonObject:
    """Return the response to a request with one record: its result, or a problem document."""
    if result.outcome in ACCEPTED:
        return json_response(201 if result.outcome == CREATED else 200, _result(0, result))
    status = _STATUS_OF_FAILURES.get(result.outcome, 503)
    extra: dict[str, Any] = {
        "outcome": result.outcome,
        "idempotency_key": result.key,
        "revision": result.revision,
        **_fault_members(result),
    }
    document = problem.document(status, result.code, result.message, extra)
    return json_response(status, document, problem.headers_of(status), kind=problem.MEDIA_TYPE)


def batch_response(results: Sequence[Result], counts: Mapping[str, int]) -> JsonObject:
    """Return the response to a batch: 200 if every record was accepted, else 207."""
    status = 200 if counts.keys() <= ACCEPTED else 207
    return json_response(status, {"results": [_result(*indexed) for indexed in enumerate(results)], "summary": counts})


def _result(index: int, result: Result) -> dict[str, Any]:
    document: dict[str, Any] = {
        "index": index,
        "idempotency_key": result.key,
        "outcome": result.outcome,
        "revision": result.revision,
    }
    if result.code:
        document["error"] = {"code": result.code, "detail": result.message, **_fault_members(result)}
    return document


def _fault_members(result: Result) -> dict[str, Any]:
    """Return the members of an error that list the faults of a record."""
    if not result.faults:
        return {}
    errors = problem.faults_as_json(result.faults)
    return {**result.details, "errors": errors, "errors_total": result.faults_total}
