"""Compare order lines with Odoo on demand: find what was changed, deleted, moved or copied there.

The comparison is the scheduled one's (`fusion_billing.odoo.line_guarding`), over invoiced periods too. What
differs in the open period is repaired if asked for; what is invoiced is reported and left alone: the customer
has the invoice, and a correction of it is an accountant's decision.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from functions.admin.cursors import bad_cursor
from functions.admin.ports import Subscriptions
from fusion_billing.catalog.identifiers import LIST_SHARDS, SHARD_POSITION
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.errors import NotFound
from fusion_billing.odoo.copy_guarding import CopyGuarding
from fusion_billing.odoo.line_findings import FindingJson
from fusion_billing.odoo.line_guarding import Comparison, LineGuarding, is_acknowledged

_BATCH = 100
_SECONDS_FOR_ONE = 6.0


class ReportJson(TypedDict):
    """The result of a comparison as JSON."""

    compared: int
    agreeing: int
    findings: list[FindingJson]
    cursor: str | None
    complete: bool


@dataclass
class Report:
    """The result of a comparison; `cursor` is where the next call continues, None if all lines were compared."""

    compared: int = 0
    agreeing: int = 0
    findings: list[FindingJson] = field(default_factory=list)
    cursor: str | None = None

    def as_dict(self) -> ReportJson:
        """Return the report as JSON."""
        return {
            "compared": self.compared,
            "agreeing": self.agreeing,
            "findings": self.findings,
            "cursor": self.cursor,
            "complete": self.cursor is None,
        }


@dataclass(frozen=True)
class Reconciler:
    """What a comparison works with; `guarding` says whether to repair.

    `products` are those of all charges, `remaining` the seconds left of the request.
    """

    guarding: LineGuarding
    copies: CopyGuarding
    subscriptions: Subscriptions
    products: Callable[[], frozenset[int]]
    remaining: Callable[[], float]

    def run(self, *, subscription: str | None, period_start: datetime | None, cursor: str | None) -> Report:
        """Compare one subscription, or all from `cursor` on; raises `NotFound`, and any `OdooError`."""
        result = Comparison()
        following = None
        if subscription is not None:
            stored = self.subscriptions.find(subscription)
            if stored is None:
                raise NotFound(f"No such subscription: {subscription}")
            self._compare(stored, period_start, result)
        else:
            following = self._compare_all(cursor, period_start, result)
        return Report(result.compared, result.agreeing, result.findings, following)

    def _compare_all(self, cursor: str | None, period_start: datetime | None, result: Comparison) -> str | None:
        for position, identity in self._all(cursor):
            if self.remaining() < _SECONDS_FOR_ONE:
                return position
            stored = self.subscriptions.get(identity)
            if stored is not None:
                self._compare(stored, period_start, result)
        return None

    def _all(self, cursor: str | None) -> Iterator[tuple[str, str]]:
        """Yield each subscription's id, and the cursor that begins with it."""
        first, after = _position(cursor)
        for shard in range(first, LIST_SHARDS):
            while True:
                page, following = self.subscriptions.listing(shard, after, _BATCH)
                for listed in page:
                    yield f"{shard}:{after or ''}", listed.subscription.id
                    after = listed.subscription.id
                if following is None:
                    break
                after = following
            after = None

    def _compare(self, stored: StoredSubscription, period_start: datetime | None, result: Comparison) -> None:
        starts = [period.start for period in stored.calendar.known] if period_start is None else [period_start]
        lines = [line for start in starts for line in self.guarding.store.in_period(stored.id, start)]
        self.guarding.compare([line for line in lines if is_acknowledged(line)], is_acknowledged, result)
        known = {line.odoo_id for line in lines if line.odoo_id is not None}
        products = self.products() | {sent.line_item.product for sent in self.guarding.read(lines)}
        orders = {order.odoo_order_id for order in stored.chain}
        self.copies.compare(products, result, orders=orders, known=known)


def _position(cursor: str | None) -> tuple[int, str | None]:
    match = SHARD_POSITION.fullmatch(cursor or "0:")
    if match is None:
        raise bad_cursor()
    return int(match[1]), match[2] or None
