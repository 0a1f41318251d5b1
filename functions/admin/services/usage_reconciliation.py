"""Compare an app's own records with the stored ones."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, NotRequired, TypedDict, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from functions.admin.services.usage import Records
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.field_types import Amount, Code, Instant, SubscriptionId
from fusion_billing.catalog.identifiers import MAX_COMPARED, MAX_IDEMPOTENCY_KEY, MAX_RESPONSE_BYTES
from fusion_billing.catalog.validation import Definition, parse
from fusion_billing.decimals import plain
from fusion_billing.dynamodb.usage.selection import Selection
from fusion_billing.errors import Fault, Refused
from fusion_billing.metering.field_faults import text_fault


def _key(value: object) -> str:
    fault = text_fault("", value, MAX_IDEMPOTENCY_KEY)
    if fault is not None:
        raise PydanticCustomError(fault.code, fault.message)
    return str(value)


class Booked(Definition):
    """One record as the app has it."""

    idempotency_key: Annotated[str, PlainValidator(_key), WithJsonSchema({"type": "string"})]
    quantity: Amount


def _bounded(records: object) -> object:
    """Refuse a request with too many records before any is parsed."""
    if isinstance(records, list | tuple) and len(records) > MAX_COMPARED:
        raise PydanticCustomError("too_many", f"must be at most {MAX_COMPARED}; compare a shorter time")
    return records


class Reconciliation(Definition):
    """An app's books of a pair, for the windows that start from `from` on and before `to`."""

    subscription: SubscriptionId
    metric: Code
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")
    records: Annotated[tuple[Booked, ...], BeforeValidator(_bounded)]


class MissingJson(TypedDict):
    """A record that one side has; `voided` if the service has it too, but as voided."""

    idempotency_key: str
    quantity: str
    voided: NotRequired[bool]


class DifferingJson(TypedDict):
    """A record with different quantities in the service and in the app."""

    idempotency_key: str
    in_service: str
    in_app: str


class ReconciliationJson(TypedDict):
    """The result of a comparison; `totals` counts findings by kind, those that are not listed too."""

    missing_in_service: list[MissingJson]
    missing_in_app: list[MissingJson]
    differing: list[DifferingJson]
    equal: int
    totals: dict[str, int]


Finding = TypeVar("Finding", MissingJson, DifferingJson)


def reconcile(records: Records, principal: Principal, source: str, body: object) -> ReconciliationJson:
    """Compare what a source has booked with what is stored of it, and counts.

    Returns `missing_in_service` (with `voided` where it was taken back), `missing_in_app`, `differing`, how
    many are `equal`, and in `totals` how many of each there are: findings past 4 MB are counted, not listed.
    A record pushed less than a second ago may be missing still. Raises `Refused`, with a fault `too_many`
    where more is stored than can be compared at once, and `Forbidden` for a metric that the key may not use.
    """
    request = parse(Reconciliation, body)
    if request.end <= request.start:
        raise Refused([Fault("to", "invalid_window", "must be later than from")])
    in_app = _booked(request.records)
    own_id = records.selected(principal, request.subscription, request.metric)
    selection = Selection(own_id, request.metric, request.start, request.end, source)
    in_service = _stored(records.reader.quantities(selection))
    missing = in_app.keys() - in_service.keys()
    voided = _stored(records.reader.quantities(replace(selection, voided=True))).keys() if missing else set()
    both = in_app.keys() & in_service.keys()
    differing = sorted(key for key in both if in_service[key] != in_app[key])
    found = _Findings()
    only_stored = sorted(in_service.keys() - both)
    return {
        "missing_in_service": found.listed(
            "missing_in_service", (_missing(in_app, key, voided) for key in sorted(missing))
        ),
        "missing_in_app": found.listed("missing_in_app", (_missing(in_service, key) for key in only_stored)),
        "differing": found.listed("differing", (_differing(key, in_service, in_app) for key in differing)),
        "equal": len(both) - len(differing),
        "totals": found.totals,
    }


@dataclass(slots=True)
class _Findings:
    """Counts findings by kind, and lists them as long as there is room in a response."""

    totals: dict[str, int] = field(default_factory=dict)
    room: int = MAX_RESPONSE_BYTES

    def listed(self, kind: str, findings: Iterable[Finding]) -> list[Finding]:
        """Count the findings of a kind, and return those that there is room for."""
        listed: list[Finding] = []
        self.totals[kind] = 0
        for finding in findings:
            self.totals[kind] += 1
            self.room -= len(json.dumps(finding))
            if self.room >= 0:
                listed.append(finding)
        return listed


def _booked(records: Iterable[Booked]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for place, booked in enumerate(records):
        if booked.idempotency_key in found:
            raise Refused([Fault(f"records.{place}.idempotency_key", "duplicate", "must not be listed twice")])
        found[booked.idempotency_key] = booked.quantity
    return found


def _stored(quantities: Iterator[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for key, quantity in quantities:
        found[key] = quantity
        if len(found) > MAX_COMPARED:
            message = f"more than {MAX_COMPARED} records are stored; compare a shorter time"
            raise Refused([Fault("to", "too_many", message)])
    return found


def _missing(quantities: Mapping[str, Decimal], key: str, voided: Iterable[str] = ()) -> MissingJson:
    finding: MissingJson = {"idempotency_key": key, "quantity": plain(quantities[key])}
    return {**finding, "voided": True} if key in voided else finding


def _differing(key: str, in_service: Mapping[str, Decimal], in_app: Mapping[str, Decimal]) -> DifferingJson:
    return {"idempotency_key": key, "in_service": plain(in_service[key]), "in_app": plain(in_app[key])}
