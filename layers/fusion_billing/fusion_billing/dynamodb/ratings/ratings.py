"""Store ratings. Each has a version, and the due time of its order line, so a rating is its own outbox.

A writer reads a rating first and names the version that it read. If another writer was faster, it gets
`VersionConflict`, reads again, and rates again. `rating_writes` builds the writes.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.dynamodb import batch_reads, errors, keys
from fusion_billing.dynamodb.attributes import Item, Request
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.dynamodb.ratings.closed_periods import ClosedPeriodStore
from fusion_billing.dynamodb.ratings.line_changes import LineChange
from fusion_billing.dynamodb.ratings.period_lines import LineMoved, is_period_lines
from fusion_billing.dynamodb.ratings.period_lines_store import PeriodLinesStore
from fusion_billing.dynamodb.ratings.rating_items import rating_of
from fusion_billing.dynamodb.ratings.rating_line_writes import RatingLineWrites
from fusion_billing.dynamodb.ratings.rating_parts import RatingParts, parts_name
from fusion_billing.dynamodb.ratings.rating_writes import RatingWrites, Save
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.retry import VERSION_CONFLICTS, WRITES
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_STATEMENTS = 25  # of PartiQL in one call
_REFUSALS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
_TRANSIENT = errors.TRANSIENT | {"TransactionConflict"}
_OVERTAKEN = "Another request wrote the rating: read it again"


class RatingsStore:
    """Reads and writes ratings; order lines are spread over `line_partitions` partitions."""

    def __init__(self, client: "DynamoDBClient", table: str, *, line_partitions: int) -> None:
        self._client = client
        self._table = table
        self._writes = RatingWrites(table, line_partitions)
        self._parts = RatingParts(client, table)
        self._lines = PeriodLinesStore(client, table)
        self._line_writes = RatingLineWrites(client, self._lines, self._writes)
        self.closed_periods = ClosedPeriodStore(client, table)

    def get(self, key: RatingKey) -> StoredRating | None:
        """Return the rating under `key` as it is now."""
        return self.get_many([key]).get(key)

    def get_many(self, requested: Iterable[RatingKey]) -> dict[RatingKey, StoredRating]:
        """Return the ratings that exist, by key, from consistent reads. Raises `Unavailable` when throttled."""
        primary_keys = [keys.rating_key(key) for key in dict.fromkeys(requested)]
        partitions = dict.fromkeys(key["pk"]["S"] for key in primary_keys)
        primary_keys += [keys.primary(pk, keys.PERIOD_LINES) for pk in partitions]
        read = self._rated(lambda: list(batch_reads.items(self._client, self._table, primary_keys)), partitions)
        return {stored.key: stored for stored in read}

    def in_period(self, subscription: str, period_start: datetime) -> list[StoredRating]:
        """Return every rating billed in a period, adjustments included, as they are now, by name."""
        pk = keys.rating_partition(subscription, period_start)
        return self._rated(lambda: self._partition(pk), [pk])

    def _partition(self, pk: str) -> list[Item]:
        request: Request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
        }
        return list(query_items(self._client, request))

    def _rated(self, read: Callable[[], list[Item]], partitions: Iterable[str]) -> list[StoredRating]:
        """Return the ratings that are read, each with its line; they are read again if a line was moved meanwhile."""
        for _ in VERSION_CONFLICTS.attempts():
            items = read()
            lines = {item["pk"]["S"]: self._lines.noted(item) for item in items if is_period_lines(item)}
            for pk in partitions:
                if pk not in lines:
                    self._lines.noted_absent(pk)
            try:
                return [rating_of(item, lines.get(item["pk"]["S"])) for item in items if not is_period_lines(item)]
            except LineMoved:
                continue
        raise Unavailable("The lines of the ratings keep being moved: send the request again")

    def whole(self, stored: StoredRating) -> RatingDocument:
        """Return the whole document of a rating, its large fields included; raises `Unavailable`."""
        if stored.parts is None:
            return stored.document
        return stored.document_with(self._parts.read(stored.key, stored.parts))

    def save(
        self,
        decision: NewVersion | SameVersion,
        *,
        stored: StoredRating | None,
        odoo_order_id: int,
        now: datetime,
        line_at: datetime | None = None,
        events: Sequence[TransactionWrite] = (),
    ) -> None:
        """Write what was decided about `stored`, together with the writes of its `events`.

        `line_at` is when a line that becomes due is to be sent; None: at once.

        Raises `VersionConflict` if the rating is no longer the one read or is frozen, and `Unavailable` if other
        transactions keep writing the same items.
        """
        due = self._writes.due(odoo_order_id, line_at or now)
        if isinstance(decision, SameVersion):
            own, key, version = decision.stored.line.is_on_rating, decision.stored.key, decision.stored.version
            if own or decision.raised or not decision.stored.is_listed:
                self._commit(self._writes.same_version(decision, due), events)
                events = ()
        else:
            own = stored is not None and stored.line.is_on_rating
            key, version = decision.computed_rating.key, decision.version
            self._put_parts(decision)
            self._commit(self._writes.new_version(decision, stored, due, now), events)
            self._delete_parts(stored)
            events = ()
        if not own:
            # After the rating: a worker that is stopped in between leaves a line that is behind its rating,
            # which the next rating of the pair sees, whether it changes anything or not.
            self._line_writes.write(LineChange(key, version, decision.line, due), now, events)

    def save_many(self, saves: Sequence[Save], *, now: datetime) -> list[Exception | None]:
        """Write new versions that have no events, 25 to a call; return the error of each, or None.

        An error is `VersionConflict` as in `save`, `RequestRejected` if DynamoDB rejects the rating (it is too
        large, for example), or `Unavailable` if it was not written in time.
        """
        outcomes = [self._failure_of_parts(save.decision) for save in saves]
        pending = [index for index, outcome in enumerate(outcomes) if outcome is None]
        for _ in WRITES.attempts():
            pending = self._attempt(saves, pending, outcomes, now)
            if not pending:
                break
        for index in pending:
            outcomes[index] = Unavailable("The ratings table is throttled: send the request again")
        for save, outcome in zip(saves, outcomes, strict=True):
            if outcome is None:
                self._delete_parts(save.stored)
        self._write_lines(saves, outcomes, now)
        return outcomes

    def _write_lines(self, saves: Sequence[Save], outcomes: list[Exception | None], now: datetime) -> None:
        """Write the lines of the ratings that were written, and note their errors."""
        changes = {
            index: self._writes.line_change(save, now)
            for index, (save, outcome) in enumerate(zip(saves, outcomes, strict=True))
            if outcome is None and not (save.stored is not None and save.stored.line.is_on_rating)
        }
        failures = self._line_writes.write_many(list(changes.values()), now)
        for index, change in changes.items():
            outcomes[index] = failures.get(change.key)

    def _attempt(
        self, saves: Sequence[Save], pending: list[int], outcomes: list[Exception | None], now: datetime
    ) -> list[int]:
        """Write the pending saves once, note their errors, and return those to attempt again."""
        again: list[int] = []
        for first in range(0, len(pending), _STATEMENTS):
            chunk = pending[first : first + _STATEMENTS]
            statements = [self._writes.statement(saves[index], now) for index in chunk]
            answer = self._client.batch_execute_statement(Statements=statements)
            for index, response in zip(chunk, answer["Responses"], strict=True):
                code = response["Error"]["Code"] if "Error" in response else None
                if code in _TRANSIENT:
                    again.append(index)
                elif code is not None:
                    outcomes[index] = VersionConflict(_OVERTAKEN) if code in _REFUSALS else errors.RequestRejected(code)
        return again

    def freeze(self, stored: StoredRating) -> None:
        """Freeze a rating whose period is invoiced: it is no longer due, and never changes again.

        What Odoo acknowledged of its line stays, and the relay reads the invoiced amounts. Raises
        `VersionConflict` if the rating is not the one read.
        """
        if stored.line.is_on_rating:
            self._commit(self._writes.frozen(stored), ())
        elif not self._line_writes.freeze(stored):
            raise VersionConflict(_OVERTAKEN)

    def _put_parts(self, decision: NewVersion) -> None:
        rated = decision.computed_rating
        if rated.parts:
            try:
                self._parts.put(rated.key, parts_name(decision.version, rated), rated.parts)
            except ClientError as error:
                raise errors.rejection_of(error) from error

    def _failure_of_parts(self, decision: NewVersion) -> Exception | None:
        """Put a rating's parts and return what that ran into, since it concerns no other rating."""
        try:
            self._put_parts(decision)
        except errors.RequestRejected as error:
            return error
        return None

    def _delete_parts(self, replaced: StoredRating | None) -> None:
        if replaced is not None and replaced.parts is not None:
            self._parts.delete(replaced.key, replaced.parts)

    def _commit(self, write: dict[str, Any], events: Sequence[Any]) -> None:
        for _ in WRITES.attempts():
            try:
                self._write(write, events)
            except ClientError as error:
                # The rating is the transaction's first write: a condition of another one is not about it.
                refused = errors.reasons(error)[:1] == ["ConditionalCheckFailed"]
                if refused or errors.condition_failed(error):
                    raise VersionConflict(_OVERTAKEN) from None
                if not errors.cancelled_by_contention(error):
                    raise errors.rejection_of(error) from error
            else:
                return
        raise Unavailable("Other transactions keep writing the rating or its events: send the request again")

    def _write(self, write: dict[str, Any], events: Sequence[Any]) -> None:
        if events:
            self._client.transact_write_items(TransactItems=[write, *events])  # type: ignore[list-item]
        elif "Put" in write:
            self._client.put_item(**write["Put"])
        else:
            self._client.update_item(**write["Update"])
