"""Failures of single pairs: reported, marked to be rated again, and kept from the other pairs of a message."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from functions.rate.ports import ChangeMarkers
from functions.rate.rating_writer import RunStatistics
from fusion_billing.billing.attention import FailingPair
from fusion_billing.billing.planning import hour_of
from fusion_billing.dynamodb.errors import failure_scope
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.errors import FusionError

MAX_UNAVAILABLE = 3
"""Subscriptions of one message whose reads or writes may be throttled before the whole message fails."""

MOST_NOTED = 20
"""Pairs of one message that are noted for operators; one more says that there are more."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failed:
    """The result of work on a pair that failed. The failure is reported and the pair is marked again."""

    error: Exception


def reason_of(error: Exception) -> str:
    """Return why a pair failed, if the service itself says so: the message of another error may quote stored data."""
    return str(error) if isinstance(error, FusionError | LookupError | ValueError) else ""


class PairFailures:
    """Handles the failures of one message, at the moment `now`."""

    def __init__(
        self,
        statistics: RunStatistics,
        markers: ChangeMarkers,
        report: Callable[[ChangedPair, Exception], None],
        now: datetime,
    ) -> None:
        self._statistics = statistics
        self._markers = markers
        self._report = report
        self._now = now
        self._unavailable: set[str] = set()
        self.isolates_throttling = True
        """Whether a throttled subscription fails alone. False for a message about one subscription only:
        SQS delivers that message again."""

    def attempt(self, pair: ChangedPair, work: Callable[[], Result]) -> Result | Failed:
        """Return the result of `work`, or `Failed` if only this pair is affected.

        Raises the error of `work` if it concerns every pair.
        """
        try:
            return work()
        except Exception as error:
            if self._concerns_every_pair(pair, error):
                raise
            return self._record(pair, error)

    def record(self, pair: ChangedPair, error: Exception) -> Failed:
        """Report an error that a pair ran into, and mark the pair again; raises `error` if it concerns every pair."""
        if self._concerns_every_pair(pair, error):
            raise error
        return self._record(pair, error)

    def _record(self, pair: ChangedPair, error: Exception) -> Failed:
        self._statistics.failed += 1
        if len(self._statistics.failing) <= MOST_NOTED:
            name = (pair.subscription, pair.metric)
            self._statistics.failing[name] = FailingPair(*name, reason_of(error))
        self._report(pair, error)
        self._markers.put(pair, hour_of(self._now))
        return Failed(error)

    def _concerns_every_pair(self, pair: ChangedPair, error: Exception) -> bool:
        scope = failure_scope(error)
        if scope != "key":
            return scope == "table"
        self._unavailable.add(pair.subscription)
        return not self.isolates_throttling or len(self._unavailable) > MAX_UNAVAILABLE
