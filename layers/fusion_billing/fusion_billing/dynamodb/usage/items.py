"""Convert usage records to and from items of the usage table (docs/data-model.md, Usage)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView
from fusion_billing.dynamodb.usage.window_ends import window_end
from fusion_billing.instants import sortable
from fusion_billing.metering.outcome import Stored
from fusion_billing.metering.usage_record import UsageRecord

HISTORY_CAP = 100  # revisions in an item; a full history is shortened before the next revision
HISTORY_KEPT = 50  # revisions that are left then


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a record, numbered from 1.

    Attributes:
        quantity: None if the revision voids the record.
        actor: The ID of the key that voided the record, or pushed it on behalf of the source; empty if the source
            pushed it.
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
        """Whether this revision voids the record."""
        return self.quantity is None


@dataclass(frozen=True, slots=True)
class StoredUsageRecord:
    """A stored usage record.

    Attributes:
        quantity: The last quantity pushed, for a voided record too.
        history: The latest revisions, oldest first; the current one is last.
        window_suffix: The end of a key that was derived from the window; None for any other key.
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
    window_suffix: str | None = None

    @property
    def pair(self) -> str:
        """The subscription and the metric, whose usage is rated together."""
        return keys.pair(self.subscription, self.metric)


def void_entry(at: str, actor: str, reason: str) -> Item:
    """Return the history entry of a voided revision."""
    entry: dict[str, Any] = {"at": {"S": at}, "by": {"S": actor}}
    if reason:
        entry["why"] = {"S": reason}
    return {"M": entry}


def revision_entry(record: UsageRecord, at: str) -> Item:
    """Return the history entry of a pushed revision. Its number follows from its place: the last entry is `rev`."""
    entry: dict[str, Any] = {"q": {"N": record.number}, "at": {"S": at}}
    if record.sequence is not None:
        entry["seq"] = {"N": str(record.sequence)}
    if record.member is not None:
        entry["mem"] = {"S": record.member}
    if record.reason:
        entry["why"] = {"S": record.reason}
    if record.actor:
        entry["by"] = {"S": record.actor}
    return {"M": entry}


def stored_of(item: Item) -> Stored:
    """Return the attributes of a stored record that an outcome depends on."""
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
    """Return the record of an item. Items of the index have no sequence and no history."""
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
        history=tuple(revision_of(first + place, entry["M"]) for place, entry in enumerate(entries)),
        voided=voided,
    )


def _end(item: Item) -> str:
    start, stored = item["ws"]["S"], item["we"]["S"]
    return stored if stored[0] != "+" else sortable(window_end(datetime.fromisoformat(start), stored))


def revision_of(number: int, entry: ItemView) -> Revision:
    """Return the revision of a history entry."""
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
