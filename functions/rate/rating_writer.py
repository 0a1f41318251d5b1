"""Write decisions about ratings together with their events, and count them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.rate.line_due_times import LineDueTimes
from functions.rate.ports import Ratings
from fusion_billing.billing.attention import FailingPair
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import ComputedRating, StoredRating
from fusion_billing.billing.thresholds import parts_of
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.errors import FusionError
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.publishing import EventPublisher, Prepared


@dataclass(slots=True)
class RunStatistics:
    """What the work on a message did.

    Attributes:
        evaluated: Pairs and adjustments that were rated.
        changed: Ratings that have a new version.
        failed: Pairs that could not be rated; they are marked again.
        has_due_lines: Whether order lines are due now.
        failing: Some of the pairs that failed, each with the last reason.
    """

    evaluated: int = 0
    changed: int = 0
    failed: int = 0
    has_due_lines: bool = False
    failing: dict[tuple[str, str], FailingPair] = field(default_factory=dict)

    def as_counts(self) -> dict[str, int]:
        """Return the counts by the names that a run reports."""
        return {"evaluated": self.evaluated, "changed": self.changed, "failed": self.failed}


@dataclass(frozen=True, slots=True)
class Change:
    """A decision about a computed rating, to be written over the stored one.

    `late` is true if usage arrived after the invoice.
    """

    subscription: BilledSubscription
    rated: ComputedRating
    decision: NewVersion | SameVersion
    stored: StoredRating | None
    late: bool = False

    @property
    def order(self) -> int:
        """Return the Odoo order that invoices it."""
        return self.rated.document.odoo_order_id


_AT_EACH_CHANGE = LineDueTimes()


class Writer:
    """Writes ratings for one message, at the moment `now`."""

    def __init__(
        self, ratings: Ratings, outbox: EventPublisher, now: datetime, line_due_times: LineDueTimes = _AT_EACH_CHANGE
    ) -> None:
        self.statistics = RunStatistics()
        self.now = now
        self.line_due_times = line_due_times
        self._ratings = ratings
        self.outbox = outbox

    def write(self, change: Change) -> None:
        """Write a change and its events; raises `VersionConflict` where the rating is no longer the one read."""
        self._write(change, self._prepared(change))

    def write_all(self, changes: Sequence[Change]) -> list[Exception | None]:
        """Write changes, those without events in batches; return the error of each, or None.

        Raises the database's error if a whole batch fails.
        """
        errors: list[Exception | None] = [None] * len(changes)
        together: dict[int, Save] = {}
        for index, change in enumerate(changes):
            decision = change.decision
            try:
                prepared = self._prepared(change)
                if isinstance(decision, NewVersion) and not any(event.writes for event in prepared):
                    together[index] = Save(decision, change.stored, change.order, self._line_at(change))
                    continue
                self._write(change, prepared)
            except (FusionError, ValueError) as error:
                errors[index] = error  # about this rating only, or the caller finds out that it is not
        saved = self._ratings.save_many(list(together.values()), now=self.now)
        for index, failure in zip(together, saved, strict=True):
            errors[index] = failure
            if failure is None:
                self._count(changes[index])
        return errors

    def _prepared(self, change: Change) -> list[Prepared]:
        return [
            self.outbox.prepare(
                type_,
                subscription=change.subscription.id,
                plan=change.subscription.priced.plan,
                metric=change.rated.document.metric,
                data=data,
                now=self.now,
            )
            for type_, data in _events(change.rated, change.decision, late=change.late)
        ]

    def _write(self, change: Change, prepared: Sequence[Prepared]) -> None:
        self._ratings.save(
            change.decision,
            stored=change.stored,
            odoo_order_id=change.order,
            now=self.now,
            line_at=self._line_at(change),
            events=[write for event in prepared for write in event.writes],
        )
        self._count(change)
        for event in prepared:
            self.outbox.wake_up(event)

    def _line_at(self, change: Change) -> datetime:
        return self.line_due_times.of(change.rated.document, change.stored, self.now)

    def _count(self, change: Change) -> None:
        self.statistics.changed += isinstance(change.decision, NewVersion)
        self.statistics.has_due_lines |= change.decision.line == "due" and self._line_at(change) <= self.now


def _events(
    rated: ComputedRating, decision: NewVersion | SameVersion, *, late: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    document = rated.document
    about = {"charge": document.charge, "metric": document.metric}
    period = {"period_start": rfc3339(document.period_start), "period_end": rfc3339(document.period_end)}
    quantities = {"units": document.units, "included_units": document.included_units}
    if isinstance(decision, NewVersion):
        data = {
            **about,
            **period,
            **quantities,
            "version": decision.version,
            "overage_units": document.overage_units,
            "amount": document.amount,
            "currency": document.currency,
        }
        if rated.key.corrects is not None:
            data["corrects"] = rfc3339(rated.key.corrects)
        yield "rating.updated", data
    corrected = document.corrects
    if late and corrected is not None:
        yield (
            "usage.late",
            {
                **about,
                "period_start": rfc3339(corrected.period_start),
                "period_end": rfc3339(corrected.period_end),
                "units": document.units,
                "amount": corrected.amount,
                "invoiced_amount": corrected.invoiced_amount,
                "adjustment_amount": document.amount,
                "currency": document.currency,
            },
        )
    for name in sorted(decision.raised):
        kind, figure = parts_of(name)
        passed = (
            {"threshold_percent": int(figure) if figure.isdecimal() else figure}
            if kind == "included"
            else {"threshold_amount": figure}
        )
        amounts = {"amount": document.amount, "currency": document.currency}
        yield "usage.threshold_reached", {**about, **period, **quantities, **passed, **amounts}
