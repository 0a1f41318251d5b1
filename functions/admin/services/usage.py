"""Looking at usage: a record and its history, a pair's records, and a comparison with an app's own books."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from functions.admin.services import counters
from fusion_billing.decimals import plain
from fusion_billing.definitions.validation import Amount, Code, Definition, Instant, SubscriptionId, parse
from fusion_billing.errors import Fault, NotFound, Refused
from fusion_billing.store.usage_items import UsageRecord, primary_key
from fusion_billing.store.usage_reading import Selection, UsageReader
from fusion_billing.store.usage_records import UsageRecords

MAX_COMPARED = 10_000


def get(reader: UsageReader, source: str, key: str) -> dict[str, Any]:
    """Return a source's record with its revisions, oldest first; raises `NotFound`."""
    record = reader.get(source, key)
    if record is None:
        raise NotFound("there is no usage record under this key")
    shown = _shown(record)
    if record.sequence is not None:
        shown["sequence"] = record.sequence
    return {**shown, "received_at": record.at, "history": counters.history(record)}


def listing(
    reader: UsageReader, wanted: Selection, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of a pair's records by window start, and what to go on after; see `UsageReader.page`."""
    found, last = reader.page(wanted, after, limit)
    return [_shown(record) for record in found], last


def _shown(record: UsageRecord) -> dict[str, Any]:
    return {"subscription": record.subscription, "metric": record.metric, **counters.shown(record)}


def _key(value: object) -> str:
    if type(value) is not str or not 1 <= len(value) <= 256 or not value.isprintable():  # noqa: PLR2004
        raise PydanticCustomError("invalid_key", "must be text of 1 to 256 printable characters")
    return value


class Booked(Definition):
    """One record as the app has it."""

    idempotency_key: Annotated[str, PlainValidator(_key), WithJsonSchema({"type": "string"})]
    quantity: Amount


def _bounded(records: tuple[Booked, ...]) -> tuple[Booked, ...]:
    if len(records) > MAX_COMPARED:
        raise PydanticCustomError("too_many", f"must be at most {MAX_COMPARED}; compare a shorter time")
    return records


class Reconciliation(Definition):
    """An app's books of a pair, for the windows that start from `from` on and before `to`."""

    subscription: SubscriptionId
    metric: Code
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")
    records: Annotated[tuple[Booked, ...], AfterValidator(_bounded)]


def reconcile(records: UsageRecords, source: str, body: object) -> dict[str, Any]:
    """Compare what a source has booked with what is stored of it.

    Returns `missing_here`, `missing_there` (each with key and quantity), `differs` (key, `here`, `there`),
    and how many are `equal`. A record pushed less than a second ago may be missing still. Raises `Refused`,
    with a fault `too_many` where more is stored than can be compared at once.
    """
    asked = parse(Reconciliation, body)
    if asked.end <= asked.start:
        raise Refused([Fault("to", "end_before_start", "must be later than from")])
    there: dict[str, Decimal] = {}
    for place, booked in enumerate(asked.records):
        if booked.idempotency_key in there:
            raise Refused([Fault(f"records.{place}.idempotency_key", "duplicate_key", "is there twice")])
        there[booked.idempotency_key] = booked.quantity
    rows = records.rows(asked.subscription, asked.metric, asked.start, asked.end)
    here = _own(rows, primary_key(source, ""))
    both = here.keys() & there.keys()
    differing = sorted(key for key in both if here[key] != there[key])
    return {
        "missing_here": _listed(there, there.keys() - both),
        "missing_there": _listed(here, here.keys() - both),
        "differs": [
            {"idempotency_key": key, "here": plain(here[key]), "there": plain(there[key])}
            for key in differing
        ],
        "equal": len(both) - len(differing),
    }


def _own(rows: Iterable[dict[str, Any]], prefix: str) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        if row["pk"]["S"].startswith(prefix):
            found[row["pk"]["S"].removeprefix(prefix)] = Decimal(row["q"]["N"])
            if len(found) > MAX_COMPARED:
                message = f"more than {MAX_COMPARED} records are stored; compare a shorter time"
                raise Refused([Fault("to", "too_many", message)])
    return found


def _listed(quantities: dict[str, Decimal], keys: Iterable[str]) -> list[dict[str, str]]:
    return [{"idempotency_key": key, "quantity": plain(quantities[key])} for key in sorted(keys)]
