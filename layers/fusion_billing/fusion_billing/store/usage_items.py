"""A usage record as an item of the usage table (docs/data-model.md, Usage), both ways, written by hand."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fusion_billing.usage.outcome import Stored
from fusion_billing.usage.push import Push

HISTORY_CAP = 100  # revisions an item holds at most; a full one is cut down before it takes another
HISTORY_KEPT = 50  # revisions it keeps then


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a record: its number from 1, and what was pushed when."""

    number: int
    quantity: Decimal
    sequence: int | None
    member: str | None
    at: str


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """A stored record. `history` is its latest revisions, oldest first, the current one last."""

    source: str
    key: str
    subscription: str
    metric: str
    start: str
    end: str
    quantity: Decimal
    revision: int
    member: str | None
    properties: str
    sequence: int | None = None
    at: str = ""
    history: tuple[Revision, ...] = ()


def primary_key(source: str, key: str) -> str:
    """Return the partition key of a record; the idempotency key stands last, so it may hold anything."""
    return f"U#{source}#{key}"


def revision_entry(push: Push, at: str) -> dict[str, Any]:
    """Return what the history keeps of a push. Its number is its place: the last entry is `rev`."""
    entry: dict[str, Any] = {"q": {"N": push.number}, "at": {"S": at}}
    if push.sequence is not None:
        entry["seq"] = {"N": str(push.sequence)}
    if push.member is not None:
        entry["mem"] = {"S": push.member}
    return {"M": entry}


def stored_of(item: dict[str, Any]) -> Stored:
    """Return what an outcome depends on."""
    sequence, member = item.get("seq"), item.get("mem")
    return Stored(
        target=item["tgt"]["S"],
        quantity=Decimal(item["q"]["N"]),
        sequence=int(sequence["N"]) if sequence else None,
        member=member["S"] if member else None,
        revision=int(item["rev"]["N"]),
    )


def record_of(item: dict[str, Any]) -> UsageRecord:
    """Return the record in an item of the table, or of its index, which has no sequence and no history."""
    source, _, key = item["pk"]["S"].removeprefix("U#").partition("#")
    subscription, _, metric = item["pair"]["S"].partition("#")
    sequence, member, properties = item.get("seq"), item.get("mem"), item.get("prop")
    revision = int(item["rev"]["N"])
    entries = item.get("hist", {}).get("L", [])
    first = revision - len(entries) + 1
    return UsageRecord(
        source=source,
        key=key,
        subscription=subscription,
        metric=metric,
        start=item["ws"]["S"],
        end=item["we"]["S"],
        quantity=Decimal(item["q"]["N"]),
        revision=revision,
        member=member["S"] if member else None,
        properties=properties["S"] if properties else "",
        sequence=int(sequence["N"]) if sequence else None,
        at=item.get("at", {}).get("S", ""),
        history=tuple(_revision(first + place, entry["M"]) for place, entry in enumerate(entries)),
    )


def _revision(number: int, entry: dict[str, Any]) -> Revision:
    sequence, member = entry.get("seq"), entry.get("mem")
    return Revision(
        number=number,
        quantity=Decimal(entry["q"]["N"]),
        sequence=int(sequence["N"]) if sequence else None,
        member=member["S"] if member else None,
        at=entry["at"]["S"],
    )
