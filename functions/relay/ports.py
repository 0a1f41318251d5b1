"""What the relay's use cases need of the stores; `tests.fakes` implements it in memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from decimal import Decimal

    from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
    from fusion_billing.dynamodb.keys import Key
    from fusion_billing.dynamodb.ratings.order_line_items import Intent, Put, Standing, StoredLine
    from fusion_billing.dynamodb.ratings.order_lines import Fate
    from fusion_billing.dynamodb.state.circuit_breaker import CircuitState


class PartitionLeases(Protocol):
    """The leases of partitions, held by one owner: `dynamodb.state.leases.Leases`."""

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Take a lease. Return False if another owner holds it."""

    def renew(self, name: str, now: datetime, until: datetime) -> bool:
        """Renew a lease that is held. Return False if it expired."""

    def give_back(self, name: str) -> object:
        """Release a lease that is held."""

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        """Keep a lease until `until` without an owner."""


class Circuit(Protocol):
    """The circuit before Odoo: `dynamodb.state.circuit_breaker.CircuitBreaker`."""

    def acquire(self, now: datetime) -> "CircuitState":
        """Return what may be done at `now`; one caller alone gets `HALF_OPEN`."""

    def failed(self, now: datetime, *, jitter: float) -> datetime:
        """Open the circuit, for longer after each failed probe. Return until when."""

    def succeeded(self) -> None:
        """Close the circuit."""

    def failures(self) -> int:
        """Return how often in a row Odoo was unavailable; 0 while the circuit is closed."""


class ListedSubscriptions(Protocol):
    """Subscriptions, and the list of them: `dynamodb.catalog.subscriptions.SubscriptionStore`."""

    def get(self, subscription: str) -> "StoredSubscription | None":
        """Return a subscription."""

    def listing(self, shard: int, after: str | None, limit: int) -> "tuple[list[Listed], str | None]":
        """Return a page of one shard of the list, and the ID that the next page starts after."""


class DueLines(Protocol):
    """Order lines that are due, and their results: `dynamodb.ratings.order_lines.LineStore`.

    Each write is refused if the rating has a newer version or is frozen, or another run is at work on the line.
    """

    def due(
        self, line_partition: int, now: datetime, limit: int, after: "Key | None" = None
    ) -> "tuple[list[StoredLine], Key | None]":
        """Return a page of the partition's due lines, the longest due first, and where the next page starts."""

    def intend(self, intents: "Sequence[tuple[StoredLine, Intent]]") -> list[bool]:
        """Write what is about to be sent. Return for each line whether it may be sent."""

    def sent(
        self,
        line: "StoredLine",
        put: "Put",
        now: datetime,
        events: Sequence[TransactionWrite] = (),
        *,
        awaits_invoice: bool = False,
    ) -> "Fate":
        """Write that Odoo has this version, with the writes of its event."""

    def sent_together(
        self, results: "Sequence[tuple[StoredLine, Put, Sequence[TransactionWrite]]]", now: datetime
    ) -> "list[Fate]":
        """Write that Odoo has these versions of lines of one period, in one write."""

    def fail(
        self,
        line: "StoredLine",
        error: str,
        message: str,
        now: datetime,
        events: Sequence[TransactionWrite] = (),
        *,
        standing: "Standing | None" = None,
    ) -> bool:
        """Fail the line. Return False if it was changed meanwhile."""

    def postpone(
        self, line: "StoredLine", error: str, message: str, at: datetime, *, standing: "Standing | None" = None
    ) -> bool:
        """Postpone the line until `at`, and count the attempt. Return False if it was changed meanwhile."""

    def retired(self, line: "StoredLine", suffix: str, line_partition: int, now: datetime) -> bool:
        """Write that the former line is empty, and make the line that follows it due."""

    def make_due(self, line: "StoredLine", line_partition: int, now: datetime) -> None:
        """Make the line due at once. Raises `Conflict` if it was changed meanwhile."""


class FinalInvoiceLines(Protocol):
    """Lines of ended subscriptions that a person has to invoice: `dynamodb.ratings.billed_lines.BilledLines`."""

    def final_invoices(self, limit: int) -> "list[StoredLine]":
        """Return the lines that wait to be invoiced, the oldest first."""

    def final_invoice_seen(self, line: "StoredLine") -> bool:
        """Take a line off the list."""


class BilledLines(DueLines, Protocol):
    """Order lines, and what is billed of them: `dynamodb.ratings.billed_lines.BilledLines`."""

    def to_be_read(self, line_partition: int, now: datetime, limit: int) -> "list[StoredLine]":
        """Return lines of the partition whose invoices are to be read by `now`, the longest due first."""

    def billed(
        self,
        line: "StoredLine",
        amount: "Decimal",
        state: str,
        now: datetime,
        *,
        next_look: tuple[int, datetime] | None,
        looks: int = 0,
        by_order_line: bool = False,
        standing: "Standing | None" = None,
    ) -> bool:
        """Write what is billed of a frozen rating's line, and when its invoices are read again."""

    def read_later(self, line: "StoredLine", line_partition: int, at: datetime) -> bool:
        """Have the invoices of a frozen rating's line read at `at`."""
