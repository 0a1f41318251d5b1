"""`POST /v1/usage`: from an event of API Gateway to its answer.

One route, so no resolver: a millisecond of a cold start, a microsecond of a record is paid a million times.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.ingest.service import Result, Stores, summary, take
from fusion_billing import strict_json
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.identifiers import MAX_BODY_BYTES, MAX_RECORDS
from fusion_billing.errors import Fault, FusionError, Refused
from fusion_billing.http import problem
from fusion_billing.http.api_gateway import answer, body_of
from fusion_billing.http.authentication import Authenticator
from fusion_billing.metering.outcome import ACCEPTED, CONFLICT, CREATED, INVALID
from fusion_billing.retry import Deadline

_FAILURES = {CONFLICT: 409, INVALID: 422}


@dataclass(frozen=True, slots=True)
class App:
    """Ingest with what it works with; `log` takes a message and fields, never a body or a key's secret."""

    authenticator: Authenticator
    stores: Stores
    now: Callable[[], datetime]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    log: Callable[..., None]

    def answer(self, event: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Answer one request within `seconds`; a failure of ours is a 500 with a reference."""
        began = self.clock()
        request_id = (event.get("requestContext") or {}).get("requestId")
        fields: dict[str, Any] = {}
        try:
            answered = self._answer(event, seconds, fields)
        except FusionError as error:
            fields["code"] = error.code
            answered = problem.answer_error(error)
        except Exception as error:  # noqa: BLE001  the last line: nothing of it may reach the caller
            reference = problem.new_reference()
            # An error's message may quote what was sent, so that only its kind and its places are told.
            self.log("error", "internal error", reference=reference, **problem.places(error))
            answered = problem.answer_unexpected(reference)
        milliseconds = round((self.clock() - began) * 1000, 1)
        status = answered["statusCode"]
        self.log("info", "push", status=status, milliseconds=milliseconds, request=request_id, **fields)
        return answered

    def _answer(self, event: Mapping[str, Any], seconds: float, fields: dict[str, Any]) -> dict[str, Any]:
        deadline = Deadline(seconds, self.clock, self.pause)
        now = self.now()
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        principal = self.authenticator.authenticate(headers, now)
        principal.require("usage:write")
        fields.update(source=principal.source, key=principal.key_id)
        body = _body(event)
        if "records" in body:
            if "idempotency-key" in headers:
                raise _key_of_a_batch()
            return self._batch(principal, _records(body), now, deadline, fields)
        header_key = headers.get("idempotency-key")
        results = take(self.stores, principal, [body], now, deadline, header_key=header_key)
        fields["outcomes"] = summary(results)
        return _single(results[0])

    def _batch(
        self,
        principal: Principal,
        records: list[Any],
        now: datetime,
        deadline: Deadline,
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        results = take(self.stores, principal, records, now, deadline)
        counts = fields["outcomes"] = summary(results)
        all_accepted = counts.keys() <= ACCEPTED
        told = [_told(index, result) for index, result in enumerate(results)]
        return answer(200 if all_accepted else 207, {"results": told, "summary": counts})


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body, an object; raises `Refused` with `too_large`, `malformed_json` or `not_an_object`."""
    if len(event.get("body") or "") > MAX_BODY_BYTES * 2:  # even as base64 too large: not worth decoding
        raise _too_large()
    raw = body_of(event)
    if len(raw) > MAX_BODY_BYTES:
        raise _too_large()
    value = strict_json.loads(raw)
    if not isinstance(value, dict):
        message = 'the body must be a JSON object: a record, or {"records": [...]}'
        raise Refused([Fault("", "not_an_object", message)], code="not_an_object")
    return value


def _too_large() -> Refused:
    return Refused([Fault("", "too_large", f"the body must be at most {MAX_BODY_BYTES} bytes")], code="too_large")


def _key_of_a_batch() -> Refused:
    message = "names a single record: in a batch, give each record its own idempotency_key"
    return Refused([Fault("Idempotency-Key", _BATCH_KEY, message)], code=_BATCH_KEY)


_BATCH_KEY = "idempotency_key_on_batch"


def _records(body: dict[str, Any]) -> list[Any]:
    """Return the records of a batch; raises `Refused`, for `too_many_records` with that code."""
    faults = []
    if isinstance(body, strict_json.Ambiguous):
        faults += [Fault(name[:64], "duplicate_key", "is named twice") for name in body.duplicates[:8]]
    unknown = sorted(set(body) - {"records"})
    faults += [Fault(name[:64], "unknown_field", "is no field of a batch") for name in unknown[:8]]
    records = body["records"]
    if not isinstance(records, list):
        faults.append(Fault("records", "not_a_list", "must be a list of usage records"))
    elif not records:
        faults.append(Fault("records", "empty", "must hold at least one usage record"))
    elif len(records) > MAX_RECORDS:
        message = f"must be at most {MAX_RECORDS} records"
        raise Refused([Fault("records", "too_many_records", message)], code="too_many_records")
    if faults:
        raise Refused(faults)
    return list(records)


def _told(index: int, result: Result) -> dict[str, Any]:
    told: dict[str, Any] = {
        "index": index,
        "idempotency_key": result.key,
        "outcome": result.outcome,
        "revision": result.revision,
    }
    if result.code:
        told["error"] = {"code": result.code, "detail": result.message, **_why(result)}
    return told


def _why(result: Result) -> dict[str, Any]:
    """Return what an answer says beside the code of why a record was not accepted."""
    if not result.faults:
        return {}
    errors = problem.faults_as_json(result.faults)
    return {**result.details, "errors": errors, "errors_total": result.faults_total}


def _single(result: Result) -> dict[str, Any]:
    if result.outcome in ACCEPTED:
        return answer(201 if result.outcome == CREATED else 200, _told(0, result))
    status = _FAILURES.get(result.outcome, 503)
    extra: dict[str, Any] = {
        "outcome": result.outcome,
        "idempotency_key": result.key,
        "revision": result.revision,
        **_why(result),
    }
    document = problem.document(status, result.code, result.message, extra)
    return answer(status, document, problem.headers_of(status), kind=problem.MEDIA_TYPE)
