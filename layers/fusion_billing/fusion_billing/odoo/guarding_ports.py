"""What the comparison of order lines with Odoo needs of the stores; `tests.fakes` implements it in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from fusion_billing.billing.rating import RatingKey
    from fusion_billing.catalog.stored_subscription import StoredSubscription
    from fusion_billing.dynamodb.ratings.order_line_items import StoredLine


class GuardedLines(Protocol):
    """Order lines, and what was changed of them in Odoo: `dynamodb.ratings.guarded_lines.GuardedLines`.

    Each write is refused if the line was changed since it was read.
    """

    def get(self, key: "RatingKey") -> "StoredLine":
        """Return the line of a rating; raises `NotFound`."""

    def get_many(self, ratings: "Iterable[RatingKey]") -> "list[StoredLine]":
        """Return the lines of those of the ratings that exist."""

    def in_period(self, subscription: str, period_start: datetime, *, consistent: bool = True) -> "list[StoredLine]":
        """Return every rating billed in a period with its line."""

    def repair(
        self,
        line: "StoredLine",
        notes: str,
        line_partition: int,
        now: datetime,
        events: Sequence[TransactionWrite] = (),
    ) -> bool:
        """Make a changed line due, and note why."""

    def note(
        self,
        line: "StoredLine",
        notes: str,
        now: datetime,
        events: Sequence[TransactionWrite] = (),
        *,
        is_listed: bool = True,
    ) -> bool:
        """Note what was changed, and list the line under `changed` unless it is on another list."""

    def fail_changed(
        self, line: "StoredLine", notes: str, message: str, now: datetime, events: Sequence[TransactionWrite] = ()
    ) -> bool:
        """Fail a line that is changed again after each repair."""

    def clear(self, line: "StoredLine", notes: str | None) -> bool:
        """Write that the line agrees again; `notes` are those that stay."""


class KnownSubscriptions(Protocol):
    """Finds subscriptions by their orders: `dynamodb.catalog.subscriptions.SubscriptionStore`."""

    def get(self, subscription: str) -> "StoredSubscription | None":
        """Return a subscription."""

    def of_order(self, odoo_order_id: int) -> str | None:
        """Return the ID of the subscription of an order."""


class OrderLeases(Protocol):
    """The leases of the partitions of order lines: `dynamodb.state.leases.Leases`."""

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Take a lease. Return False if another owner holds it."""

    def give_back(self, name: str) -> object:
        """Release a lease that is held."""

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        """Keep a lease until `until` without an owner."""
