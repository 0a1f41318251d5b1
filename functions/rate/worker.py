"""Do the messages of the rating queue, and send on what there is no time for."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from functions.rate.end_announcer import EndAnnouncer
from functions.rate.failures import MOST_NOTED
from functions.rate.hourly_pairs import HourlyRating, NearingPairs, ShardPairs
from functions.rate.last_periods import LastPeriods
from functions.rate.ports import AmountTotals, ChangeMarkers, FailingPairs, Queue, Runs, Subscriptions
from functions.rate.rater import Rater
from functions.rate.rating_writer import RunStatistics
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.planning import closing_hours, hour_of, hour_text
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair
from fusion_billing.errors import Unavailable
from fusion_billing.messaging.messages import RatingJob
from fusion_billing.messaging.rating_messages import HourJob, PairsJob, SubscriptionJob, SweepJob
from fusion_billing.messaging.relay_messages import LinesJob

SWEEP_LOOK_AHEAD = timedelta(days=1, hours=6)
"""How far ahead a sweep looks for ends of periods: a day until the next sweep, and 6 hours in case that is late."""

TOTALS_FRESH = timedelta(days=3, hours=12)
"""How old an overview's totals may be before a sweep adds them up again: a daily sweep does every fourth day."""

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
    end_announcer: EndAnnouncer
    last_periods: LastPeriods
    hourly: HourlyRating | None = None
    """Which pairs are rated hourly, if the rating cadence is longer than an hour."""
    failing: FailingPairs | None = None
    """Where pairs that could not be rated are noted."""
    amounts: AmountTotals | None = None
    """The totals of the overview, which a sweep adds up."""

    def do(self, job: RatingJob, *, has_time: Callable[[], bool], attempt: int = 1) -> RunStatistics:
        """Do a message while `has_time` returns True; what remains is sent as a message of its own.

        From attempt `DIVIDED_AT` on, the message is divided into one a subscription instead: only the
        subscription that took the time or the memory of the workers before this one fails then. Raises what
        kept the whole message from being done.
        """
        now = self.clock()
        rater = self.rater(now, job.run is not None)
        rater.because_of(job.cause)
        remaining = self._do(job, rater, now, has_time, attempt)
        if remaining is not None:
            self.queue.send([remaining])
        if rater.statistics.has_due_lines:
            self.relay.send([LinesJob()])
        self._note_failing(rater.statistics, now)
        if job.run is not None:
            counts = rater.statistics.as_counts()
            self.runs.count(job.run, job.part_name, counts, finished=remaining is None)
        return rater.statistics

    def _note_failing(self, statistics: RunStatistics, now: datetime) -> None:
        """Note the pairs that failed, for the overview; their errors are in the log in any case."""
        if self.failing is not None and statistics.failing:
            pairs = list(statistics.failing.values())
            with suppress(Unavailable):
                self.failing.note(pairs[:MOST_NOTED], hour_of(now), is_capped=len(pairs) > MOST_NOTED)

    def _do(
        self, job: RatingJob, rater: Rater, now: datetime, has_time: Callable[[], bool], attempt: int
    ) -> RatingJob | None:
        """Do a message; return the one that goes on where time ended."""
        match job:
            case HourJob() if attempt >= DIVIDED_AT:
                self.queue.send(self._divided_hours(job, now))
            case SweepJob() if attempt >= DIVIDED_AT:
                self.queue.send(self._divided_sweep(job))
            case HourJob():
                return self._hours(rater, job, now, has_time)
            case SweepJob():
                return self._sweep(rater, job, now, has_time)
            case PairsJob():
                rater.rate_pairs([ChangedPair.parse(name) for name in job.pairs])
            case SubscriptionJob():
                subscription = rater.rate_subscription(job.subscription, charge=job.charge, thorough=job.charge is None)
                self._add_closing(subscription, now)
        return None

    def _divided_sweep(self, job: SweepJob) -> Iterator[SubscriptionJob]:
        """Yield a message for each subscription of a shard of the list."""
        after = job.after
        while True:
            page, after = self.subscriptions.listing(job.list_shard, after, _SUBSCRIPTIONS)
            for listed in page:
                yield SubscriptionJob(subscription=listed.subscription.id, charge=job.charge)
            if after is None:
                return

    def _divided_hours(self, job: HourJob, now: datetime) -> Iterator[PairsJob]:
        """Yield a message for each subscription that is marked in the message's hours."""
        for pairs in self._pages(job, self._rated_hourly(job, now)):
            for _, own in groupby(pairs, key=lambda pair: pair.subscription):
                yield PairsJob(pairs=tuple(pair.name for pair in own))

    def _hours(self, rater: Rater, job: HourJob, now: datetime, has_time: Callable[[], bool]) -> HourJob | None:
        """Rate the pairs that are marked in the message's hours; return the message that goes on."""
        hourly = self._rated_hourly(job, now)
        nearing = NearingPairs(self.hourly.cadence) if self.hourly is not None else None
        if nearing is not None:
            rater.note_nearing(nearing)
        for page in self._pages(job, hourly):
            rater.rate_pairs(page)
            if hourly is not None and nearing is not None:
                hourly.update(nearing)
            if not has_time():
                return replace(job, after=page[-1].name)
        return None

    def _rated_hourly(self, job: HourJob, now: datetime) -> ShardPairs | None:
        return None if self.hourly is None else self.hourly.of(job.shard, now)

    def _pages(self, job: HourJob, hourly: ShardPairs | None) -> Iterator[list[ChangedPair]]:
        """Yield the pairs to rate: all that are marked, or of an urgent message those that are rated hourly."""
        for page in self.pairs.pages(list(job.covered), job.shard, after=job.after, limit=_PAIRS):
            selected = hourly.select(page) if job.is_urgent and hourly is not None else page
            if selected:
                yield selected

    def _sweep(self, rater: Rater, job: SweepJob, now: datetime, has_time: Callable[[], bool]) -> SweepJob | None:
        """Rate the subscriptions of a shard of the list; return the message that goes on."""
        after = job.after
        while True:
            page, following = self.subscriptions.listing(job.list_shard, after, _SUBSCRIPTIONS)
            for listed in page:
                after = listed.subscription.id
                subscription = rater.rate_subscription(after, charge=job.charge)
                if subscription is not None and job.charge is None:
                    self._mark_closing(subscription, now)
                    rater.attempt(subscription, partial(self._end, subscription, now))
                if not has_time():
                    return replace(job, after=after)
            if following is None:
                return self._add_up(replace(job, after=after), now, has_time)
            after = following

    def _add_up(self, job: SweepJob, now: datetime, has_time: Callable[[], bool]) -> SweepJob | None:
        """Add up the totals of a swept shard that are missing or some days old; return the message that goes on.

        An overview adds up what could not be read now.
        """
        if self.amounts is None or job.charge is not None:
            return None
        try:
            return job if self.amounts.refresh(now, has_time, shard=job.list_shard, fresh_for=TOTALS_FRESH) else None
        except Unavailable:
            return None

    def _end(self, subscription: BilledSubscription, now: datetime) -> None:
        self.end_announcer.announce(subscription, now)
        self.last_periods.close(subscription, now)

    def _mark_closing(self, subscription: BilledSubscription, now: datetime) -> None:
        """Mark a subscription, so that it is rated as a whole around the end of its period."""
        end = subscription.calendar.open.end
        for hour in closing_hours(end, now, SWEEP_LOOK_AHEAD):
            self.pairs.put(ChangedPair(subscription.id, EVERY_METRIC, hour_text(hour_of(now))[:7]), hour)
        self._add_closing(subscription, now)

    def _add_closing(self, subscription: BilledSubscription | None, now: datetime) -> None:
        """Have a subscription whose period ends before the next sweep is over rated hourly around its end."""
        if self.hourly is None or subscription is None:
            return
        if subscription.calendar.open.end <= now + SWEEP_LOOK_AHEAD:
            self.hourly.add_closing(subscription, now)
