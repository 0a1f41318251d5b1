"""Ratings: each written under its version, carrying its line's due time, so that it is its own outbox.

Whoever writes a rating has read it first and names the version read; a writer that was overtaken is told
`VersionConflict`, reads again, and rates again. The relay writes the `line_…` attributes of the same item, so a new
version is an update of what is named here, never a replacement of the item.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zlib import crc32

from botocore.exceptions import ClientError

from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.dynamodb import consistent_reads, errors, keys
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
from fusion_billing.dynamodb.ratings.closed_periods import ClosedPeriodStore
from fusion_billing.dynamodb.ratings.rating_items import (
    LINE_GONE,
    DueLine,
    line_values,
    raised_value,
    rating_of,
    removed,
    version_values,
)
from fusion_billing.dynamodb.ratings.rating_parts import RatingParts, parts_name
from fusion_billing.errors import FusionError, Unavailable, VersionConflict
from fusion_billing.instants import sortable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AT_ONCE = sortable(datetime(2000, 1, 1, tzinfo=UTC))
"""When the invoices of a closed period are due to be read: it may be closed before it has even begun."""

_IS_NEW = "attribute_not_exists(pk)"
_IS_THE_VERSION_READ = "version = :expected"
_IS_NOT_FROZEN = "attribute_not_exists(frozen)"
_NOTHING_OVERTOOK = f"{_IS_THE_VERSION_READ} AND {_IS_NOT_FROZEN}"


_STATEMENTS = 25  # of PartiQL in one call
_REFUSALS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
_TRANSIENT = errors.TRANSIENT | {"TransactionConflict"}
_OVERTAKEN = "Another request wrote the rating: read it again"


class Rejected(FusionError):
    """The database can't take this rating as it is, too large perhaps; the message is its code."""

    code = "rejected"


def line_partition(odoo_order_id: int, line_partitions: int) -> int:
    """Return the lane of an order's lines: the same for all of them, whatever their period."""
    return crc32(str(odoo_order_id).encode("ascii")) % line_partitions


@dataclass(frozen=True, slots=True)
class Save:
    """A new version to write over `stored`, its line being one of `odoo_order_id`'s.

    `line_at` is when a line that becomes due is to be sent; None: at once.
    """

    decision: NewVersion
    stored: StoredRating | None
    odoo_order_id: int
    line_at: datetime | None = None


class RatingsStore:
    """Reads and writes ratings; `lanes` is how many lanes the lines of all orders are spread over."""

    def __init__(self, client: "DynamoDBClient", table: str, *, line_partitions: int) -> None:
        self._client = client
        self._table = table
        self._line_partitions = line_partitions
        self._parts = RatingParts(client, table)
        self.closed_periods = ClosedPeriodStore(client, table)

    def get(self, key: RatingKey) -> StoredRating | None:
        """Return the rating under `key` as it is now."""
        answer = self._client.get_item(TableName=self._table, Key=keys.rating_key(key), ConsistentRead=True)
        item = answer.get("Item")
        return rating_of(item) if item is not None else None

    def get_many(self, requested: Iterable[RatingKey]) -> dict[RatingKey, StoredRating]:
        """Return those of the ratings that exist, as they are now. Raises `Unavailable` when throttled."""
        primary_keys = [keys.rating_key(key) for key in dict.fromkeys(requested)]
        read = map(rating_of, consistent_reads.items(self._client, self._table, primary_keys))
        return {stored.key: stored for stored in read}

    def in_period(self, subscription: str, period_start: datetime) -> list[StoredRating]:
        """Return every rating billed in a period, adjustments included, as they are now, by name."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.rating_partition(subscription, period_start)}},
            "ConsistentRead": True,
        }
        found: list[StoredRating] = []
        while True:
            answer = self._client.query(**request)
            found += [rating_of(item) for item in answer["Items"]]
            after = answer.get("LastEvaluatedKey")
            if not after:
                return found
            request["ExclusiveStartKey"] = after

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
        events: Sequence[Any] = (),
    ) -> None:
        """Write what was decided about `stored`, together with the writes of its `events`.

        `line_at` is when a line that becomes due is to be sent; None: at once.

        Raises `VersionConflict` where the rating is no longer the one read or is frozen by now, and
        `Unavailable` where the transaction ran into others for too long.
        """
        due = self._due(odoo_order_id, line_at or now)
        if isinstance(decision, SameVersion):
            self._commit(self._same_version(decision, due), events)
            return
        self._put_parts(decision)
        self._commit(self._new_version(decision, stored, due, now), events)
        self._delete_parts(stored)

    def save_many(self, saves: Sequence[Save], *, now: datetime) -> list[Exception | None]:
        """Write new versions, of which nobody is told, 25 to a call; return what each ran into.

        That is `VersionConflict` as in `save`, `Rejected` for a rating the database can't take as it is, or
        `Unavailable` for one it could not write in time.
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
        return outcomes

    def _attempt(
        self, saves: Sequence[Save], pending: list[int], outcomes: list[Exception | None], now: datetime
    ) -> list[int]:
        """Write the pending saves once, note what they ran into, and return those to attempt again."""
        again: list[int] = []
        for first in range(0, len(pending), _STATEMENTS):
            chunk = pending[first : first + _STATEMENTS]
            statements = [self._statement(saves[index], now) for index in chunk]
            answer = self._client.batch_execute_statement(Statements=statements)
            for index, response in zip(chunk, answer["Responses"], strict=True):
                code = response["Error"]["Code"] if "Error" in response else None
                if code in _TRANSIENT:
                    again.append(index)
                elif code is not None:
                    outcomes[index] = VersionConflict(_OVERTAKEN) if code in _REFUSALS else Rejected(code)
        return again

    def freeze(self, stored: StoredRating) -> None:
        """Freeze a rating whose period is invoiced: it is due no more, and never changes again.

        What Odoo acknowledged of its line stays, and the relay reads what its invoices hold of it; raises
        `VersionConflict` where the rating is not the one read.
        """
        changes = ["frozen = :yes"]
        removed = ["line_error", "line_message"]
        values: dict[str, Any] = {":yes": {"BOOL": True}, ":expected": {"N": str(stored.version)}}
        if stored.line.amount is None:
            removed.append("line_state")
        else:
            changes.append("line_state = :sent")
            values[":sent"] = {"S": "sent"}
        if stored.line.amount is None and not stored.unresolved:
            removed += ["line_pk", "line_at"]
        else:
            changes += ["line_pk = :invoices", "line_at = :since"]
            order = stored.document.odoo_order_id
            values[":invoices"] = {"S": keys.invoices_partition(line_partition(order, self._line_partitions))}
            values[":since"] = {"S": _AT_ONCE}
        expression = f"SET {', '.join(changes)} REMOVE {', '.join(removed)}"
        self._commit({"Update": self._update(stored.key, expression, values)}, ())

    def _new_version(
        self, decision: NewVersion, stored: StoredRating | None, due: DueLine, now: datetime
    ) -> dict[str, Any]:
        rated = decision.computed_rating
        values = version_values(decision, stored, due, now)
        if stored is None:
            item = {**keys.rating_key(rated.key), **values, **raised_value(decision.raised)}
            return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": _IS_NEW}}
        gone = removed(decision, stored)
        return {"Update": self._change(rated.key, stored.version, values, gone, decision.raised)}

    def _put_parts(self, decision: NewVersion) -> None:
        rated = decision.computed_rating
        if rated.parts:
            self._parts.put(rated.key, parts_name(decision.version, rated), rated.parts)

    def _failure_of_parts(self, decision: NewVersion) -> Exception | None:
        """Put a rating's parts and return what that ran into, since it concerns no other rating."""
        try:
            self._put_parts(decision)
        except ClientError as error:
            return error
        return None

    def _delete_parts(self, replaced: StoredRating | None) -> None:
        if replaced is not None and replaced.parts is not None:
            self._parts.delete(replaced.key, replaced.parts)

    def _statement(self, save: Save, now: datetime) -> Any:
        """Return the same write as a PartiQL statement; it is refused where the other's condition fails."""
        decision, stored = save.decision, save.stored
        due = self._due(save.odoo_order_id, save.line_at or now)
        values = version_values(decision, stored, due, now)
        key = keys.rating_key(decision.computed_rating.key)
        if stored is None:
            item = {**key, **values, **raised_value(decision.raised)}
            names = ", ".join(f"'{name}': ?" for name in item)
            # Table and attribute names alone; every value is a parameter.
            insert = f'INSERT INTO "{self._table}" VALUE {{{names}}}'
            return {"Statement": insert, "Parameters": list(item.values())}
        if decision.raised:
            values["raised"] = {"SS": sorted(stored.raised | decision.raised)}
        sets = " ".join(f"SET {name} = ?" for name in values)
        gone = " ".join(f"REMOVE {name}" for name in removed(decision, stored))
        where = "pk = ? AND sk = ? AND version = ? AND frozen IS MISSING"
        update = f'UPDATE "{self._table}" {sets} {gone} WHERE {where}'
        read = {"N": str(stored.version)}
        return {"Statement": update, "Parameters": [*values.values(), key["pk"], key["sk"], read]}

    def _due(self, odoo_order_id: int, at: datetime) -> DueLine:
        return DueLine(keys.due_lines_partition(line_partition(odoo_order_id, self._line_partitions)), at)

    def _same_version(self, decision: SameVersion, due: DueLine) -> dict[str, Any]:
        stored = decision.stored
        values = line_values(decision.line, due)
        gone = LINE_GONE[decision.line]
        return {"Update": self._change(stored.key, stored.version, values, gone, decision.raised)}

    def _change(
        self,
        key: RatingKey,
        expected: int,
        attributes: dict[str, Any],
        gone: Sequence[str],
        raised: frozenset[str],
    ) -> dict[str, Any]:
        values = {**placeholders(attributes), ":expected": {"N": str(expected)}}
        if raised:
            values[":raised"] = {"SS": sorted(raised)}
        update = UpdateExpression().set_all(attributes).remove(*gone).add("raised", when=bool(raised))
        return self._update(key, str(update), values)

    def _update(self, key: RatingKey, expression: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": keys.rating_key(key),
            "UpdateExpression": expression,
            "ConditionExpression": _NOTHING_OVERTOOK,
            "ExpressionAttributeValues": values,
        }

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
                    raise
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
