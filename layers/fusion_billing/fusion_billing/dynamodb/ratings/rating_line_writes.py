"""What rating writes of order lines: into the item of the period's lines, or onto a rating that a line was moved to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.dynamodb import errors, keys
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.ratings.line_changes import LineChange, applied
from fusion_billing.dynamodb.ratings.period_lines import LineMoved, PeriodLines
from fusion_billing.dynamodb.ratings.period_lines_store import Change, PeriodLinesStore
from fusion_billing.dynamodb.ratings.rating_items import line_of
from fusion_billing.dynamodb.ratings.rating_writes import RatingWrites
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class _Changes:
    """Changes of the lines of one partition, and those among them that are on their ratings' items."""

    def __init__(self, changes: Sequence[LineChange], now: datetime) -> None:
        self.changes = changes
        self.moved: Sequence[LineChange] = ()
        self._now = now

    def __call__(self, lines: PeriodLines) -> PeriodLines:
        new, self.moved = applied(lines, self.changes, self._now)
        return new


class RatingLineWrites:
    """Writes the lines of ratings that were written."""

    def __init__(self, client: "DynamoDBClient", lines: PeriodLinesStore, writes: RatingWrites) -> None:
        self._client = client
        self._lines = lines
        self._writes = writes

    def write(self, change: LineChange, now: datetime, events: Sequence[Request] = ()) -> None:
        """Write a change, with its events; raises `Unavailable`."""
        changes = _Changes([change], now)
        if change.move == "keep" and not events:
            return
        with errors.unavailable_when_transient():
            self._lines.change(_partition(change), changes, events)
            self._write_moved(changes)

    def write_many(self, changes: Sequence[LineChange], now: datetime) -> dict[RatingKey, Exception]:
        """Write changes, those of a partition together, 25 partitions to a call; return the errors, by rating."""
        ordered = sorted((change for change in changes if change.move != "keep"), key=_partition)
        by_partition = {pk: _Changes(list(own), now) for pk, own in groupby(ordered, key=_partition)}
        typed: dict[str, Change] = dict(by_partition)
        results = self._lines.change_many(typed)
        failures: dict[RatingKey, Exception] = {}
        for pk, own in by_partition.items():
            failure = results[pk] if isinstance(results[pk], Exception) else self._failure_of_moved(own)
            if isinstance(failure, Exception):
                failures |= {change.key: failure for change in own.changes}
        return failures

    def freeze(self, stored: StoredRating) -> bool:
        """Freeze a rating and move its line onto its item, in one transaction; return False if it was overtaken.

        From then on no other line of the period stands in the way of its invoices.
        """
        pk, name = keys.rating_partition(stored.key.subscription, stored.key.period_start), stored.key.name
        for _ in WRITES.attempts():
            lines = self._lines.current(pk)
            try:
                line = lines.line(name)
            except LineMoved:
                return False
            current = replace(stored, line=line_of(line or {}, is_on_rating=False))
            without = lines.without(name)
            try:
                self._client.transact_write_items(
                    TransactItems=[self._writes.frozen(current, line), self._lines.update(without)]
                )
            except ClientError as error:
                reasons = errors.reasons(error)
                if reasons[:1] == ["ConditionalCheckFailed"]:
                    return False
                if not errors.cancelled_by_condition(error) and not errors.cancelled_by_contention(error):
                    raise errors.rejection_of(error) from error
            else:
                self._lines.written(without)
                return True
        raise Unavailable("Other writers keep changing the lines of the period: send the request again")

    def _failure_of_moved(self, changes: _Changes) -> Exception | None:
        try:
            with errors.unavailable_when_transient():
                self._write_moved(changes)
        except Unavailable as unavailable:
            return unavailable
        return None

    def _write_moved(self, changes: _Changes) -> None:
        """Write the changes of lines that are on their ratings' items by now.

        One that is refused is about a version that was replaced, or about a period that was invoiced.
        """
        for change in changes.moved:
            try:
                self._client.update_item(**self._writes.on_rating(change))
            except ClientError as error:
                if not errors.condition_failed(error):
                    raise


def _partition(change: LineChange) -> str:
    return keys.rating_partition(change.key.subscription, change.key.period_start)
