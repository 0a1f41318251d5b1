"""What the use cases need of the outside world. Adapters implement it; tests pass fakes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from fusion_billing.webhooks.publishing import Event, TransactionWrite

if TYPE_CHECKING:  # pydantic is a fifth of a cold start
    from fusion_billing.catalog.change import Change
    from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
    from fusion_billing.webhooks.endpoint import Endpoint


class OutboxGateway(Protocol):
    """Stores events and wakes the relay: `dynamodb.webhooks.outbox.TableGateway`."""

    def endpoints(self) -> "Sequence[Endpoint]":
        """Return every endpoint, at most a second old."""

    def next_sequence(self, subscription: str) -> int:
        """Return the next sequence number of a subscription."""

    def event_writes(self, event: Event, endpoints: "Sequence[Endpoint]", *, direct: bool) -> list[TransactionWrite]:
        """Return the writes for the event and, if `direct`, for its deliveries."""

    def wake_up(self, endpoints: Iterable[str]) -> None:
        """Wake the relay for these endpoints."""


class Subscriptions(Protocol):
    """Stores subscriptions: `dynamodb.catalog.subscriptions.SubscriptionStore`."""

    def get(self, subscription: str) -> "StoredSubscription | None":
        """Return a subscription with its periods, or None; raises `Unavailable`."""

    def alias_of(self, name: str) -> str | None:
        """Return the ID of the subscription that `name` is an alias of, or None; raises `Unavailable`."""

    def of_order(self, odoo_order_id: int) -> str | None:
        """Return the ID of the subscription of an order, or None; raises `Unavailable`."""

    def listing(self, shard: int, after: str | None, limit: int) -> "tuple[list[Listed], str | None]":
        """Return a page of one shard of the list, and the ID that the next page starts after."""

    def put(
        self,
        new: "StoredSubscription",
        stored: "StoredSubscription | None",
        extra: Sequence[TransactionWrite] = (),
        change: "Change | None" = None,
    ) -> None:
        """Write a subscription over what is stored, with `extra` writes, all or nothing.

        Raises `VersionConflict`, `OrderTaken`, `AliasTaken`, and `Unavailable`.
        """


class AnnouncedEnds(Protocol):
    """Notes which ends were announced: `dynamodb.ratings.announced_ends.AnnouncedEnds`."""

    def of(self, subscription: str) -> datetime | None:
        """Return the end that was announced last, or None; raises `Unavailable`."""

    def note(self, subscription: str, ended_at: datetime) -> TransactionWrite:
        """Return the write that notes an end."""


class RatingRequests(Protocol):
    """Requests ratings: `messaging.rating_jobs.RatingJobs`."""

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Request the rating of a subscription after `delay` seconds; raises `Unavailable`."""


class SyncProgress(Protocol):
    """Remembers how far subscriptions were read from Odoo: `dynamodb.state.sync.SyncState`."""

    def since(self) -> datetime | None:
        """Return the instant from which changes have to be read; None if nothing was ever read."""

    def done(self, since: datetime, report: Mapping[str, object]) -> None:
        """Note that all changes before `since` are read."""
