"""A usage record as an item of the usage table (docs/data-model.md, Usage), both ways, written by hand."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.usage.window_ends import window_end
from fusion_billing.instants import sortable
from fusion_billing.metering.outcome import Stored
from fusion_billing.metering.usage_record import UsageRecord

HISTORY_CAP = 100  # revisions an item holds at most; a full one is cut down before it takes another
HISTORY_KEPT = 50  # revisions it keeps then


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a record: its number from 1, and what was pushed when.

    A revision that voids the record has no quantity. `actor` is the id of the key that voided it, or that
    pushed it on the source's behalf; empty where the source pushed it.
    """

    number: int
    quantity: Decimal | None
    sequence: int | None
    member: str | None
    at: str
    reason: str = ""
    actor: str = ""

    @property
    def voided(self) -> bool:
        """Whether this revision took the record back."""
        return self.quantity is None


@dataclass(frozen=True, slots=True)
class StoredUsageRecord:
    """A stored record. `history` is its latest revisions, oldest first, the current one last.

    Of a voided record the quantity is the one it had.
    """

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
    voided: bool = False

    @property
    def pair(self) -> str:
        """What is rated together: subscription and metric."""
        return keys.pair(self.subscription, self.metric)


def void_entry(at: str, actor: str, reason: str) -> Item:
    """Return what the history keeps of a voiding."""
    entry: dict[str, Any] = {"at": {"S": at}, "by": {"S": actor}}
    if reason:
        entry["why"] = {"S": reason}
    return {"M": entry}


def revision_entry(push: UsageRecord, at: str) -> Item:
    """Return what the history keeps of a push. Its number is its place: the last entry is `rev`."""
    entry: dict[str, Any] = {"q": {"N": push.number}, "at": {"S": at}}
    if push.sequence is not None:
        entry["seq"] = {"N": str(push.sequence)}
    if push.member is not None:
        entry["mem"] = {"S": push.member}
    if push.actor:
        entry["by"] = {"S": push.actor}
    return {"M": entry}


def stored_of(item: Item) -> Stored:
    """Return what an outcome depends on."""
    sequence, member = item.get("seq"), item.get("mem")
    return Stored(
        target=item["tgt"]["S"],
        quantity=Decimal(item["q"]["N"]),
        sequence=int(sequence["N"]) if sequence else None,
        member=member["S"] if member else None,
        revision=int(item["rev"]["N"]),
        voided="voided" in item,
    )


def record_of(item: Item) -> StoredUsageRecord:
    """Return the record in an item of the table, or of its index, which has no sequence and no history."""
    source, key = keys.parse_usage_record(item["pk"]["S"])
    subscription, metric, voided = keys.parse_pair(item["pair"]["S"])
    sequence, member, properties = item.get("seq"), item.get("mem"), item.get("prop")
    revision = int(item["rev"]["N"])
    entries = item.get("hist", {}).get("L", [])
    first = revision - len(entries) + 1
    return StoredUsageRecord(
        source=source,
        key=key,
        subscription=subscription,
        metric=metric,
        start=item["ws"]["S"],
        end=_end(item),
        quantity=Decimal(item["q"]["N"]),
        revision=revision,
        member=member["S"] if member else None,
        properties=properties["S"] if properties else "",
        sequence=int(sequence["N"]) if sequence else None,
        at=item.get("at", {}).get("S", ""),
        history=tuple(_revision(first + place, entry["M"]) for place, entry in enumerate(entries)),
        voided=voided,
    )


def _end(item: Item) -> str:
    start, stored = item["ws"]["S"], item["we"]["S"]
    return stored if stored[0] != "+" else sortable(window_end(datetime.fromisoformat(start), stored))


def _revision(number: int, entry: dict[str, Any]) -> Revision:
    sequence, member, quantity = entry.get("seq"), entry.get("mem"), entry.get("q")
    return Revision(
        number=number,
        quantity=Decimal(quantity["N"]) if quantity else None,
        sequence=int(sequence["N"]) if sequence else None,
        member=member["S"] if member else None,
        at=entry["at"]["S"],
        reason=entry.get("why", {}).get("S", ""),
        actor=entry.get("by", {}).get("S", ""),
    )
