r"""Erase the data of one customer: the usage, the names and the history of a subscription that is over.

::

    USAGE_TABLE=... WINDOW_USAGE_TABLE=... CATALOG_TABLE=... RATINGS_TABLE=... MARKERS_TABLE=... CHANGE_SHARDS=16 \
        python -m fusion_billing.erase SUBSCRIPTION [METRIC...]

What was billed stays as it is: ratings of invoiced periods, statements, and the order lines and invoices in Odoo. So
the command refuses a subscription of which anything may still be invoiced. Name metrics that an earlier release
created, and that were deleted since. The command may be repeated. docs/data-protection.md says what else there is.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from fusion_billing import commands, settings
from fusion_billing.billing.planning import HOUR, Hours, hour_of
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb import client, keys
from fusion_billing.dynamodb.catalog.definitions import CatalogStore
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.erasing import Erasing
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPairs
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.statements import StatementStore
from fusion_billing.errors import Conflict, NotFound
from fusion_billing.instants import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

USAGE = "Usage: python -m fusion_billing.erase SUBSCRIPTION [METRIC...]"
_READ_FOR_GOOD = frozenset({"posted", "none"})
_RATED_WITHIN = timedelta(hours=48)
"""How soon usage is rated: within a rating cadence of a day and the time a run may take. What fails is marked again."""
_FORGOTTEN_AFTER = timedelta(seconds=90)
"""How long after that no container admits usage, or rates the subscription, as it was before it was erased."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The result: usage records and entries of the history that were deleted."""

    records: int
    changes: int


class Erasure:
    """Erases subscriptions."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        *,
        usage: str,
        window_usage: str,
        catalog: str,
        ratings: str,
        markers: str,
        change_shards: int,
        pause: Callable[[float], None],
    ) -> None:
        self._erasing = Erasing(dynamodb, usage_table=usage, window_usage_table=window_usage, catalog_table=catalog)
        self._subscriptions = SubscriptionStore(dynamodb, catalog)
        self._catalog = CatalogStore(dynamodb, catalog)
        self._lines = LineStore(dynamodb, ratings)
        self._statements = StatementStore(dynamodb, ratings)
        self._changed_pairs = ChangedPairs(dynamodb, markers, shards=change_shards)
        self._shard = partial(keys.change_marker_shard, shards=change_shards)
        self._pause = pause

    def erase(self, subscription: str, now: datetime, metrics: Iterable[str] = ()) -> Erased:
        """Erase what is stored about the customer of a subscription.

        Raises:
            NotFound: There is no such subscription.
            Conflict: Something of it may still be invoiced; the message says what.
            Unavailable: A table is throttled.
        """
        stored = self._subscriptions.get(subscription)
        if stored is None:
            raise NotFound(f"Unknown subscription: {subscription}")
        erased_at = stored.erased
        if erased_at is None:
            self._require_finished(stored)
            self._require_rated(stored.id, now)
            self._erasing.names(stored, now)
            erased_at = now
        # Rated without its usage, an invoiced period would be given back; and what is pushed now would stay.
        remaining = erased_at + _FORGOTTEN_AFTER - now
        if remaining > timedelta(0):
            self._pause(remaining.total_seconds())
        every = dict.fromkeys((*self._catalog.metrics(), *self._erasing.metrics(), *metrics))
        records = self._erasing.usage(subscription, every)
        return Erased(records, self._erasing.history(subscription))

    def _require_finished(self, stored: StoredSubscription) -> None:
        if not stored.is_over:
            raise Conflict(f"Subscription {stored.id} is not over: close it in Odoo first")
        for period in stored.calendar.known:
            for line in self._lines.in_period(stored.id, period.start):
                reason = _reason_to_wait(line)
                if reason is not None:
                    raise Conflict(f"Order line {line.key.line} {reason}")
        invoiced = [period.start for period in stored.calendar.known if period.state == "invoiced"]
        if invoiced and self._statements.get(stored.id, invoiced[-1]) is None:
            start = rfc3339(invoiced[-1])
            raise Conflict(f"The period that starts at {start} has no statement yet: wait for the daily sweep")

    def _require_rated(self, subscription: str, now: datetime) -> None:
        hours = list(Hours(hour_of(now - _RATED_WITHIN), hour_of(now) + HOUR))
        with unavailable_when_transient():
            for page in self._changed_pairs.pages(hours, self._shard(subscription)):
                if any(pair.subscription == subscription for pair in page):
                    raise Conflict(
                        f"Usage of subscription {subscription} changed, or failed to be rated, in the past two days: "
                        "wait until it is rated and invoiced"
                    )


def _reason_to_wait(line: StoredLine) -> str | None:
    """Return why an order line may still change what is invoiced, or None."""
    if line.intent is not None:
        return "has an unknown result in Odoo"
    if line.frozen:
        is_read = line.odoo_id is None or line.billed_state in _READ_FOR_GOOD
        return None if is_read else "is not on a posted invoice"
    return None if line.amount == (line.sent_amount or ZERO) == ZERO else "is not invoiced"


def main(arguments: Sequence[str]) -> int:
    """Erase a subscription; return 0, or 1 with what is in the way, or 2 for a command that is not one."""
    if not arguments:
        return commands.failed(USAGE, 2)
    try:
        usage, catalog = settings.text("USAGE_TABLE"), settings.text("CATALOG_TABLE")
        window_usage, ratings = settings.text("WINDOW_USAGE_TABLE"), settings.text("RATINGS_TABLE")
        markers, shards = settings.text("MARKERS_TABLE"), settings.integer("CHANGE_SHARDS", 16)
    except settings.Missing as error:
        return commands.failed(f"{error}: name the stack's tables (outputs of the stack)")

    def erase() -> None:
        erasure = Erasure(
            client.dynamodb(),
            usage=usage,
            window_usage=window_usage,
            catalog=catalog,
            ratings=ratings,
            markers=markers,
            change_shards=shards,
            pause=time.sleep,
        )
        erased = erasure.erase(arguments[0], datetime.now(UTC), arguments[1:])
        commands.report(f"Erased {erased.records} usage records and {erased.changes} changes of {arguments[0]}")

    return commands.run(erase, catalog)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
