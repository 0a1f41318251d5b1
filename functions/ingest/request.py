"""Read the body of `POST /v1/usage`: one usage record, or a batch of them."""

from collections.abc import Mapping
from typing import Any

from fusion_billing import strict_json
from fusion_billing.catalog.identifiers import MAX_BODY_BYTES, MAX_RECORDS
from fusion_billing.errors import Fault, Refused
from fusion_billing.http.api_gateway import body_of
from fusion_billing.json_types import JsonMapping, JsonObject, JsonValue

_BATCH_KEY = "idempotency_key_on_batch"
_LONGEST_NAME = 64
_MOST_NAMES = 8


def read_body(event: JsonMapping) -> JsonObject:
    """Return the JSON object in a request's body.

    Raises:
        Refused: `too_large`, `malformed_json` or `not_an_object`.
    """
    if len(event.get("body") or "") > MAX_BODY_BYTES * 2:  # too large in base64 too: not worth decoding
        raise _too_large()
    raw = body_of(event)
    if len(raw) > MAX_BODY_BYTES:
        raise _too_large()
    value = strict_json.loads(raw)
    if not isinstance(value, dict):
        message = 'Request body must be a JSON object: a usage record, or {"records": [...]}'
        raise Refused([Fault("", "not_an_object", message)], code="not_an_object")
    return value


def read_batch(body: JsonObject, headers: Mapping[str, str]) -> list[JsonValue]:
    """Return the records of a batch.

    Raises:
        Refused: `idempotency_key_on_batch` or `too_many_records`; `invalid` for anything else.
    """
    if "idempotency-key" in headers:
        message = "names a single record. In a batch, give each record its own idempotency_key"
        raise Refused([Fault("Idempotency-Key", _BATCH_KEY, message)], code=_BATCH_KEY)
    records = body["records"]
    if isinstance(records, list) and len(records) > MAX_RECORDS:
        message = f"must hold at most {MAX_RECORDS} usage records"
        raise Refused([Fault("records", "too_many_records", message)], code="too_many_records")
    faults, total = _faults(body, records)
    if faults:
        raise Refused(faults, total=total)
    return list(records)


def _faults(body: dict[str, Any], records: object) -> tuple[list[Fault], int]:
    """Return the faults to list, and how many there are."""
    repeated = body.duplicates if isinstance(body, strict_json.Ambiguous) else []
    unknown = sorted(set(body) - {"records"})
    faults = [_named(name, "duplicate_key", "must not be given twice") for name in repeated[:_MOST_NAMES]]
    faults += [_named(name, "unknown_field", "is not a field of a batch") for name in unknown[:_MOST_NAMES]]
    unlisted = len(repeated) + len(unknown) - len(faults)
    if not isinstance(records, list):
        faults.append(Fault("records", "not_a_list", "must be a list of usage records"))
    elif not records:
        faults.append(Fault("records", "empty", "must hold at least one usage record"))
    return faults, len(faults) + unlisted


def _named(name: str, code: str, message: str) -> Fault:
    return Fault(name[:_LONGEST_NAME], code, message)


def _too_large() -> Refused:
    return Refused([Fault("", "too_large", f"Request body must be at most {MAX_BODY_BYTES} bytes")], code="too_large")
