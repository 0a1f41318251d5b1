"""Digest what an invoiced period is billed by, so that a sweep skips periods in which nothing changed.

One query for each metric reads the usage of adjacent periods.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.rate.ports import Ratings
from functions.rate.rating_inputs import RatingInputs
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.large_documents import canonical
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.decimals import plain
from fusion_billing.instants import rfc3339
from fusion_billing.rating.records import Record

_RULES = 1
"""Increase it when rating gives other results than before: every period is then reviewed once more."""

_BITS = 64


class PeriodDigests:
    """Computes digests for one message."""

    def __init__(self, inputs: RatingInputs) -> None:
        self._inputs = inputs

    def of(self, subscription: BilledSubscription, periods: Sequence[Period]) -> dict[datetime, str]:
        """Return the digest of each of some invoiced periods, which come newest first, by start."""
        usage = self._usage(subscription, periods)
        return {
            period.start: _digest([_RULES, self._terms(subscription, period), usage[period.start]])
            for period in periods
        }

    def with_ratings(self, digest: str, ratings: Ratings, subscription: BilledSubscription, period: Period) -> str:
        """Return the digest extended by the state of the period's ratings: frozen, billed, resolved."""
        known = [
            [rating.key.name, rating.frozen, plain(rating.billed), rating.unresolved]
            for start in subscription.starts_of(period)
            for rating in ratings.in_period(subscription.id, start)
        ]
        return _digest([digest, sorted(known)])

    def _terms(self, subscription: BilledSubscription, period: Period) -> list[Any]:
        priced, opened = subscription.priced, subscription.calendar.open
        return [
            rfc3339(opened.start),
            rfc3339(opened.end),
            rfc3339(period.end),
            rfc3339(subscription.rated_start(period)),
            rfc3339(subscription.rated_end(period)),
            [priced.plan, priced.currency, priced.timezone, subscription.order_for(opened)],
            subscription.has_ended(self._inputs.now),
            self._products(),
        ]

    def _products(self) -> list[list[Any]]:
        """Return the Odoo product of each charge: adjustments follow it."""
        book = self._inputs.prices()
        codes = sorted(code for on_metric in book.by_metric.values() for code in on_metric)
        charges = [(code, book.newest(code)) for code in codes]
        return [[code, charge.odoo_product_id] for code, charge in charges if charge is not None]

    def _usage(self, subscription: BilledSubscription, periods: Sequence[Period]) -> dict[datetime, dict[str, str]]:
        """Return a checksum of each period's usage, by start and metric."""
        sums: dict[datetime, dict[str, int]] = {period.start: {} for period in periods}
        for adjacent in _adjacent(periods):
            for metric in self._inputs.prices().by_metric:
                for record in self._inputs.used(subscription.id, metric, adjacent[-1].start, adjacent[0].end):
                    for period in _periods_of(record, adjacent):
                        own = sums[period.start]
                        own[metric] = (own.get(metric, 0) + _number(record)) % 2**_BITS
        return {
            start: {metric: f"{total:x}" for metric, total in by_metric.items()} for start, by_metric in sums.items()
        }


def _adjacent(periods: Sequence[Period]) -> list[list[Period]]:
    """Divide periods, newest first, where one is missing between them."""
    runs: list[list[Period]] = []
    for period in periods:
        if runs and period.end == runs[-1][-1].start:
            runs[-1].append(period)
        else:
            runs.append([period])
    return runs


def _periods_of(record: Record, periods: Sequence[Period]) -> list[Period]:
    """Return the periods that a record counts in; a level counts in every period that it overlaps."""
    return [
        period
        for period in periods
        if record.window_start < period.end
        and (record.window_start >= period.start or record.window_end > period.start)
    ]


def _number(record: Record) -> int:
    text = canonical(
        [
            record.key,
            rfc3339(record.window_start),
            rfc3339(record.window_end),
            plain(record.quantity),
            record.member,
            record.properties,
        ]
    )
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=_BITS // 8).digest())


def _digest(value: object) -> str:
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()[:32]
