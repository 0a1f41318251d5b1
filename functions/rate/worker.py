"""Do the messages of the rating queue, and send on what there is no time for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from functions.rate.ends import Ends
from functions.rate.last_periods import LastPeriods
from functions.rate.ports import ChangeMarkers, Queue, Runs, Subscriptions
from functions.rate.rater import Rater
from functions.rate.rating_writer import RunStatistics
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.planning import (
    HOUR,
    cause_of,
    closing_hours,
    hour_of,
    hour_text,
    parse_hour,
    part_of,
)
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair

CLOSING_AHEAD = timedelta(hours=30)
"""How far ahead a sweep looks for ends of periods: past the next sweep."""

DIVIDED_AT = 3
"""The attempt at which a message is divided. SQS moves it to the dead-letter queue after five."""

_PAIRS = 100
_SUBSCRIPTIONS = 25


@dataclass(frozen=True, slots=True)
class Worker:
    """Does messages of the rating queue. A message may arrive twice, late, or after an attempt that was cut short."""

    rater: Callable[[datetime, bool], Rater]
    """Makes a rater for one message at one moment; the flag says whether order lines are sent at once."""
    pairs: ChangeMarkers
    subscriptions: Subscriptions
    runs: Runs
    queue: Queue
    relay: Queue
    clock: Callable[[], datetime]
    ends: Ends
    last_periods: LastPeriods

    def do(self, message: Mapping[str, Any], *, has_time: Callable[[], bool], attempt: int = 1) -> RunStatistics:
        """Do a message while there is time, and send the rest as a message of its own.

        A late attempt divides the message into one for each subscription instead: the subscription that took
        the time or the memory of earlier attempts then fails alone.

        Args:
            message: The message.
            has_time: Returns whether there is time for more.
            attempt: The number of the attempt, from 1.

        Raises:
            ValueError: The job of the message is unknown.
            Unavailable: Nothing can be rated for now.
        """
        now = self.clock()
        rater = self.rater(now, "run" in message)
        rater.because_of(cause_of(message))
        job = message.get("job")
        if attempt >= DIVIDED_AT and job in {"hour", "sweep"}:
            self.queue.send(self._divided(message))
            rest = None
        elif job == "hour":
            rest = self._hours(rater, message, has_time)
        elif job == "pairs":
            rater.rate_pairs([ChangedPair.parse(name) for name in message["pairs"]])
            rest = None
        elif job == "sweep":
            rest = self._sweep(rater, message, now, has_time)
        elif job == "subscription":
            only = message.get("charge")
            rater.rate_subscription(str(message["id"]), charge=only, thorough=only is None)
            rest = None
        else:
            raise ValueError(f"{job!r} is not a job of the rating queue")
        if rest is not None:
            self.queue.send([rest])
        if rater.statistics.has_due_lines:
            self.relay.send([{"job": "lines"}])
        if "run" in message:
            counts = rater.statistics.as_counts()
            self.runs.count(message["run"], part_of(message), counts, finished=rest is None)
        return rater.statistics

    def _divided(self, message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield a message for each subscription of a shard."""
        if message["job"] == "sweep":
            charge = message.get("charge")
            narrowed = {"charge": charge} if charge is not None else {}
            after: str | None = message.get("after")
            while True:
                page, after = self.subscriptions.listing(message["list_shard"], after, _SUBSCRIPTIONS)
                for listed in page:
                    yield {"job": "subscription", "id": listed.subscription.id, **narrowed}
                if after is None:
                    return
        hour, after = parse_hour(message["hour"]), message.get("after")
        for index in range(int(message.get("hours", 1))):
            for pairs in self.pairs.pages(hour + index * HOUR, message["shard"], after=after, limit=_PAIRS):
                for _, own in groupby(pairs, key=lambda pair: pair.subscription):
                    yield {"job": "pairs", "pairs": [pair.name for pair in own]}
            after = None

    def _hours(self, rater: Rater, message: Mapping[str, Any], has_time: Callable[[], bool]) -> dict[str, Any] | None:
        """Rate the pairs marked in the message's hours; return the message for the rest if time ran out."""
        first, count, shard = parse_hour(message["hour"]), int(message.get("hours", 1)), message["shard"]
        after: str | None = message.get("after")
        for index in range(count):
            hour = first + index * HOUR
            for page in self.pairs.pages(hour, shard, after=after, limit=_PAIRS):
                rater.rate_pairs(page)
                after = page[-1].name
                if not has_time():
                    # Named by the first message, because this finishes its task of a run.
                    left = {"part": message.get("part", message["hour"]), "hours": count - index}
                    return {**message, **left, "hour": hour_text(hour), "after": after}
            after = None
        return None

    def _sweep(
        self, rater: Rater, message: Mapping[str, Any], now: datetime, has_time: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """Rate the subscriptions of a shard of the list; return the message for the rest if time ran out."""
        shard, charge = message["list_shard"], message.get("charge")
        after: str | None = message.get("after")
        while True:
            page, following = self.subscriptions.listing(shard, after, _SUBSCRIPTIONS)
            for listed in page:
                after = listed.subscription.id
                customer = rater.rate_subscription(after, charge=charge)
                if customer is not None and charge is None:
                    self._mark_closing(customer, now)
                    rater.attempt(customer, partial(self._end, customer, now))
                if not has_time():
                    return {**message, "after": after}
            if following is None:
                return None
            after = following

    def _end(self, customer: BilledSubscription, now: datetime) -> None:
        self.ends.announce(customer, now)
        self.last_periods.close(customer, now)

    def _mark_closing(self, customer: BilledSubscription, now: datetime) -> None:
        """Mark a subscription, so that it is rated as a whole around the end of its period."""
        end = customer.calendar.open.end
        for hour in closing_hours(end, now, CLOSING_AHEAD):
            self.pairs.put(ChangedPair(customer.id, EVERY_METRIC, hour_text(hour_of(now))[:7]), hour)
