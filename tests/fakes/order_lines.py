"""Order lines of ratings, and what is billed of them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.order_line_items import (
    FINAL_INVOICE,
    STORED_FAILED,
    Intent,
    Put,
    Standing,
    StoredLine,
)
from fusion_billing.dynamodb.ratings.order_lines import Fate
from fusion_billing.errors import Conflict, NotFound, Unavailable
from fusion_billing.instants import sortable

ItemKey = tuple[str, str]


@dataclass
class FakeOrderLines:
    """Order lines in memory. A write over another version, a frozen rating or another run's intent is refused.

    Args:
        events: The events that were stored with a result.
        is_throttled: Refuse every write of a result.
    """

    items: dict[ItemKey, StoredLine] = field(default_factory=dict)
    events: list[object] = field(default_factory=list)
    is_throttled: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    # --- what rating does ---

    def put(self, key: RatingKey, document_json: str, amount: str, line_partition: int, now: datetime) -> None:
        """Store the next version of a rating, and make its line due."""
        pk, sk = _item_key(key)
        partition = keys.due_lines_partition(line_partition)
        before = self.items.get((pk, sk))
        if before is None:
            before = StoredLine(pk, sk, 0, Decimal(amount), document_json, "due", partition, "")
        new = replace(before, version=before.version + 1, amount=Decimal(amount), document_json=document_json)
        self._store(replace(new, state="due", line_partition=partition, at=sortable(now), attempt_count=0))

    def freeze(self, key: RatingKey, now: datetime, partition: int = 0) -> None:
        """Freeze a rating as the end of its period does: its invoices are to be read."""
        line = self.items[_item_key(key)]
        self._store(replace(line, frozen=True, line_partition=keys.invoices_partition(partition), at=sortable(now)))

    # --- reading ---

    def get(self, key: RatingKey) -> StoredLine:
        found = self.items.get(_item_key(key))
        if found is None:
            raise NotFound(f"No such order line: {key.line}")
        return found

    def get_many(self, ratings: Iterable[RatingKey]) -> list[StoredLine]:
        return [self.items[_item_key(key)] for key in ratings if _item_key(key) in self.items]

    def in_period(self, subscription: str, period_start: datetime, *, consistent: bool = True) -> list[StoredLine]:
        partition = keys.rating_partition(subscription, period_start)
        return [line for (pk, _), line in sorted(self.items.items()) if pk == partition]

    def due(
        self, line_partition: int, now: datetime, limit: int, after: keys.Key | None = None
    ) -> tuple[list[StoredLine], keys.Key | None]:
        found = self._at(keys.due_lines_partition(line_partition), now)
        return _page([line for line in found if not line.frozen], limit, after)

    def listing(
        self, partition: str, limit: int, after: keys.Key | None = None
    ) -> tuple[list[StoredLine], keys.Key | None]:
        return _page(self._at(partition, None), limit, after)

    def to_be_read(self, line_partition: int, now: datetime, limit: int) -> list[StoredLine]:
        return self._at(keys.invoices_partition(line_partition), now)[:limit]

    def final_invoices(self, limit: int) -> list[StoredLine]:
        return self._at(FINAL_INVOICE, None)[:limit]

    # --- results ---

    def intend(self, intents: Sequence[tuple[StoredLine, Intent]]) -> list[bool]:
        return [self._intend(line, intent) for line, intent in intents]

    def _intend(self, line: StoredLine, intent: Intent) -> bool:
        def is_due(stored: StoredLine) -> bool:
            return stored.version == line.version and stored.state == "due" and not stored.frozen

        intended = partial(replace, intent=intent, digest=None)
        return self._write_if(line, is_due, intended, any_intent=True)

    def sent(
        self, line: StoredLine, put: Put, now: datetime, events: Sequence[object] = (), *, awaits_invoice: bool = False
    ) -> Fate:
        state, partition = (FINAL_INVOICE, FINAL_INVOICE) if awaits_invoice else ("sent", "")

        def acknowledged(stored: StoredLine) -> StoredLine:
            done = replace(_acknowledged(stored, line, put), state=state, line_partition=partition)
            return replace(done, at=sortable(now) if awaits_invoice else "", attempt_count=0, error=None, message=None)

        if self._write(line, acknowledged, events):
            return "sent"
        if self._write_frozen(line, lambda stored: _acknowledged(stored, line, put), now):
            return "frozen"
        self._write_over(line, lambda stored: _acknowledged(stored, line, put))
        return "overtaken"

    def sent_together(self, results: Sequence[tuple[StoredLine, Put, Sequence[object]]], now: datetime) -> list[Fate]:
        return [self.sent(line, put, now, events) for line, put, events in results]

    def fail(
        self,
        line: StoredLine,
        error: str,
        message: str,
        now: datetime,
        events: Sequence[object] = (),
        *,
        standing: Standing | None = None,
    ) -> bool:
        def failed(stored: StoredLine) -> StoredLine:
            return replace(
                stored,
                state="failed",
                line_partition=STORED_FAILED,
                at=sortable(now),
                error=error,
                message=message,
            )

        return self._resolve(line, failed, standing, now, events)

    def postpone(
        self, line: StoredLine, error: str, message: str, at: datetime, *, standing: Standing | None = None
    ) -> bool:
        def postponed(stored: StoredLine) -> StoredLine:
            attempt_count = line.attempt_count + 1
            return replace(stored, at=sortable(at), error=error, message=message, attempt_count=attempt_count)

        return self._resolve(line, postponed, standing, at)

    def retired(self, line: StoredLine, suffix: str, line_partition: int, now: datetime) -> bool:
        def follows(stored: StoredLine) -> StoredLine:
            partition = keys.due_lines_partition(line_partition)
            return replace(stored, suffix=suffix, line_partition=partition, at=sortable(now))

        return self._resolve(line, follows, Standing(), now)

    def make_due(
        self,
        line: StoredLine,
        line_partition: int,
        now: datetime,
        *,
        forget: bool = False,
        also: Sequence[object] = (),
    ) -> None:
        def due(stored: StoredLine) -> StoredLine:
            return replace(
                stored,
                state="due",
                line_partition=keys.due_lines_partition(line_partition),
                at=sortable(now),
                attempt_count=0,
                error=None,
                message=None,
                digest=None if forget else stored.digest,
            )

        if not self._write(line, due, any_intent=True):
            raise Conflict("The rating was changed by another request, or its period is invoiced: read it again")

    # --- invoices ---

    def billed(
        self,
        line: StoredLine,
        amount: Decimal,
        state: str,
        now: datetime,
        *,
        next_look: tuple[int, datetime] | None,
        looks: int = 0,
        by_order_line: bool = False,
        standing: Standing | None = None,
    ) -> bool:
        partition, at = ("", "") if next_look is None else (keys.invoices_partition(next_look[0]), next_look[1])

        def billed(stored: StoredLine) -> StoredLine:
            noted = replace(stored, billed=amount, billed_state=state, looks=looks, line_partition=partition)
            noted = replace(noted, at=at if isinstance(at, str) else sortable(at))
            return noted if standing is None else _standing(noted, standing)

        return self._write_if(line, lambda stored: stored.frozen, billed)

    def read_later(self, line: StoredLine, line_partition: int, at: datetime) -> bool:
        partition = keys.invoices_partition(line_partition)
        return self._write_if(
            line,
            lambda stored: stored.frozen,
            lambda stored: replace(stored, line_partition=partition, at=sortable(at)),
        )

    def final_invoice_seen(self, line: StoredLine) -> bool:
        return self._write_if(
            line,
            lambda stored: stored.state == FINAL_INVOICE,
            lambda stored: replace(stored, state="sent", line_partition="", at=""),
        )

    # --- conditions ---

    def _resolve(
        self,
        line: StoredLine,
        change: Callable[[StoredLine], StoredLine],
        standing: Standing | None,
        now: datetime,
        events: Sequence[object] = (),
    ) -> bool:
        if standing is None:
            return self._write(line, change, events)
        if self._write(line, lambda stored: _standing(change(stored), standing), events):
            return True
        if not self._write_frozen(line, lambda stored: _standing(stored, standing), now):
            self._write_over(line, lambda stored: _standing(stored, standing))
        return False

    def _write(
        self,
        line: StoredLine,
        change: Callable[[StoredLine], StoredLine],
        events: Sequence[object] = (),
        *,
        any_intent: bool = False,
    ) -> bool:
        def is_this(stored: StoredLine) -> bool:
            return stored.version == line.version and not stored.frozen

        return self._write_if(line, is_this, change, events, any_intent=any_intent)

    def _write_frozen(self, line: StoredLine, change: Callable[[StoredLine], StoredLine], now: datetime) -> bool:
        partition = keys.invoices_partition_of_due(line.line_partition)

        def changed(stored: StoredLine) -> StoredLine:
            return replace(change(stored), line_partition=partition, at=sortable(now), billed=None)

        return self._write_if(line, lambda stored: stored.frozen, changed)

    def _write_over(self, line: StoredLine, change: Callable[[StoredLine], StoredLine]) -> None:
        self._write_if(line, lambda stored: (stored.sent_version or 0) <= line.version, change)

    def _write_if(
        self,
        line: StoredLine,
        condition: Callable[[StoredLine], bool],
        change: Callable[[StoredLine], StoredLine],
        events: Sequence[object] = (),
        *,
        any_intent: bool = False,
    ) -> bool:
        with self._lock:
            if self.is_throttled:
                raise Unavailable("The ratings table is throttled: send the request again")
            stored = self.items[line.pk, line.sk]
            if not condition(stored) or not (any_intent or stored.intent in {None, line.intent}):
                return False
            self._store(change(stored))
            self.events += events
            return True

    def _store(self, line: StoredLine) -> None:
        self.items[line.pk, line.sk] = line

    def _at(self, partition: str, now: datetime | None) -> list[StoredLine]:
        found = [
            line
            for line in self.items.values()
            if line.line_partition == partition and (now is None or line.at <= sortable(now))
        ]
        return sorted(found, key=_order)


def _item_key(key: RatingKey) -> ItemKey:
    return keys.rating_partition(key.subscription, key.period_start), key.name


def _order(line: StoredLine) -> tuple[str, str, str]:
    return line.at, line.pk, line.sk


def _page(lines: list[StoredLine], limit: int, after: keys.Key | None) -> tuple[list[StoredLine], keys.Key | None]:
    rest = [line for line in lines if after is None or _order(line) > _order_of(after)]
    return rest[:limit], _index_key(rest[limit - 1]) if len(rest) > limit else None


def _index_key(line: StoredLine) -> dict[str, dict[str, str]]:
    """Return the key of an item in the index, as the database returns it."""
    values = {"pk": line.pk, "sk": line.sk, "line_pk": line.line_partition, "line_at": line.at}
    return {name: {"S": value} for name, value in values.items()}


def _order_of(index_key: object) -> tuple[str, str, str]:
    assert isinstance(index_key, dict)
    return index_key["line_at"]["S"], index_key["pk"]["S"], index_key["sk"]["S"]


def _acknowledged(stored: StoredLine, line: StoredLine, put: Put) -> StoredLine:
    return replace(
        stored,
        sent_version=line.version,
        sent_amount=Decimal(put.amount),
        digest=put.digest,
        odoo_id=put.odoo_id if put.odoo_id is not None else stored.odoo_id,
        odoo_order=put.order if put.order is not None else stored.odoo_order,
        suffix=put.suffix or stored.suffix,
        is_plain=put.is_plain or stored.is_plain,
        form=put.form or stored.form,
        intent=None,
    )


def _standing(stored: StoredLine, standing: Standing) -> StoredLine:
    if standing.odoo_id is None or standing.order is None:
        return replace(
            stored,
            odoo_id=None,
            odoo_order=None,
            sent_amount=None,
            sent_version=None,
            digest=None,
            form=None,
            intent=None,
        )
    return replace(
        stored,
        odoo_id=standing.odoo_id,
        odoo_order=standing.order,
        sent_amount=Decimal(standing.amount),
        digest=None,
        form=None,
        intent=None,
    )
