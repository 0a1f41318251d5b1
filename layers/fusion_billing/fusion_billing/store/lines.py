"""The lines that ratings are to become: which are due, lane by lane, and what became of them.

A rating's item is its line's outbox. The index `lines` names what is due or parked, a moment late perhaps, so
what is taken from it is read again, consistently, and only what is still due is worked on. What became of a
line is written under the rating's version: a newer version that arrived meanwhile stays due.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from fusion_billing.billing.ratings import RatingKey
from fusion_billing.errors import Conflict, NotFound, Unavailable
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.store import consistent_reads
from fusion_billing.store.failures import cancelled_by_condition, cancelled_by_contention, condition_failed
from fusion_billing.store.line_items import PARKED, Key, Put, StoredLine, key_of, lane_name, noted, read_line

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "lines"

_IS_THIS_VERSION = "version = :version"
_IS_NOT_FROZEN = "attribute_not_exists(frozen)"
_IS_NOT_NEWER_THERE = "(attribute_not_exists(line_version) OR line_version <= :version)"


Fate = Literal["sent", "overtaken", "frozen"]
"""What a line met on its way: nothing, a newer version of its rating, or the invoicing of its period."""


class LineStore:
    """Due and parked lines in the ratings table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def due(self, lane: int, now: datetime, limit: int, after: Any = None) -> tuple[list[StoredLine], Any]:
        """Return a page of the lane's lines that are due, the longest due first, and where the next starts.

        A page may hold fewer than `limit` lines, or none, and yet have a next one.
        """
        keys, following = self._keys(lane_name(lane), limit, after, sortable(now))
        lines = [line for line in self._read(keys) if line.state == "due" and line.lane == lane_name(lane)]
        return [line for line in lines if line.at <= sortable(now) and not line.frozen], following

    def listing(self, partition: str, limit: int, after: Any = None) -> tuple[list[StoredLine], Any]:
        """Return a page of the lines under `partition` (`parked`, or a lane's name), the oldest first."""
        keys, following = self._keys(partition, limit, after, None)
        return [line for line in self._read(keys) if line.lane == partition], following

    def get(self, key: RatingKey) -> StoredLine:
        """Return the line of a rating; raises `NotFound` where there is none."""
        found = self._read([key_of(key)])
        if not found:
            raise NotFound(f"there is no line {key.line}")
        return found[0]

    def sent(self, line: StoredLine, put: Put, now: datetime, events: Sequence[Any] = ()) -> Fate:
        """Write that Odoo holds this version, with the writes of its events; tell what became of the rating.

        Of a version that was overtaken, or frozen, on its way only what Odoo acknowledged is noted, since
        that is what it will bill.
        """
        held = noted(line, put)
        done = {
            "line_state": {"S": "sent"},
            "line_sent_at": {"S": rfc3339(now)},
            "line_tries": {"N": "0"},
            **held,
        }
        gone = "line_pk, line_at, line_error, line_message"
        still_this = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN}"
        version = {":version": {"N": str(line.version)}}
        if self._update(line, f"{_set(done)} REMOVE {gone}", _values(done) | version, still_this, events):
            return "sent"
        self._update(line, _set(held), _values(held) | version, _IS_NOT_NEWER_THERE)
        shown = {name: done[name] for name in ("line_state", "line_sent_at")}
        frozen = self._update(line, _set(shown), _values(shown), "attribute_exists(frozen)")
        return "frozen" if frozen else "overtaken"

    def park(
        self, line: StoredLine, error: str, message: str, now: datetime, events: Sequence[Any] = ()
    ) -> bool:
        """Park the line: shown, and not tried again until somebody asks; False where a newer version came."""
        expression = (
            "SET line_state = :parked, line_pk = :parked, line_at = :at, "
            "line_error = :error, line_message = :message"
        )
        values: dict[str, Any] = {
            ":version": {"N": str(line.version)},
            ":parked": {"S": PARKED},
            ":at": {"S": sortable(now)},
            ":error": {"S": error},
            ":message": {"S": message},
        }
        return self._update(line, expression, values, f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN}", events)

    def later(
        self, line: StoredLine, error: str, message: str, at: datetime, *, perhaps_on: int | None = None
    ) -> bool:
        """Put the line off until `at`, counting the try; False where a newer version came.

        `perhaps_on` is the order that the line may be on by now: the call's outcome is unknown.
        """
        expression = "SET line_at = :at, line_error = :error, line_message = :message, line_tries = :tries"
        values: dict[str, Any] = {
            ":version": {"N": str(line.version)},
            ":at": {"S": sortable(at)},
            ":error": {"S": error},
            ":message": {"S": message},
            ":tries": {"N": str(line.tries + 1)},
            ":due": {"S": "due"},
        }
        if perhaps_on is not None:
            expression += ", line_order = :order"
            values[":order"] = {"N": str(perhaps_on)}
        still_due = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN} AND line_state = :due"
        return self._update(line, expression, values, still_due)

    def make_due(self, line: StoredLine, lane: int, now: datetime, *, forget: bool = False) -> None:
        """Make a line due at once; `forget` what was sent, so that an unchanged one is sent all the same.

        Raises `Conflict` where the rating is frozen, or is no longer the version that was read.
        """
        gone = "line_error, line_message" + (", line_digest" if forget else "")
        expression = (
            f"SET line_state = :due, line_pk = :lane, line_at = :at, line_tries = :none REMOVE {gone}"
        )
        values: dict[str, Any] = {
            ":version": {"N": str(line.version)},
            ":due": {"S": "due"},
            ":lane": {"S": lane_name(lane)},
            ":at": {"S": sortable(now)},
            ":none": {"N": "0"},
        }
        if not self._update(line, expression, values, f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN}"):
            raise Conflict("the rating changed meanwhile, or its period is invoiced: read it again")

    def in_period(self, subscription: str, period_start: datetime) -> list[StoredLine]:
        """Return every rating billed in a period, adjustments included, with its line."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": f"R#{subscription}#{rfc3339(period_start)}"}},
            "ConsistentRead": True,
        }
        found: list[StoredLine] = []
        while True:
            answer = self._client.query(**request)
            found += [read_line(item) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _keys(self, partition: str, limit: int, after: Any, until: str | None) -> tuple[list[Key], Any]:
        values: dict[str, Any] = {":pk": {"S": partition}}
        condition = "line_pk = :pk"
        if until is not None:
            condition += " AND line_at <= :until"
            values[":until"] = {"S": until}
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = after
        answer = self._client.query(**request)
        return [(item["pk"]["S"], item["sk"]["S"]) for item in answer["Items"]], answer.get(
            "LastEvaluatedKey"
        )

    def _read(self, keys: Iterable[Key]) -> list[StoredLine]:
        wanted = list(keys)
        asked = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in wanted]
        found = {
            (item["pk"]["S"], item["sk"]["S"]): read_line(item)
            for item in consistent_reads.items(self._client, self._table, asked)
        }
        return [found[key] for key in wanted if key in found]

    def _update(
        self,
        line: StoredLine,
        expression: str,
        values: dict[str, Any],
        condition: str,
        events: Sequence[Any] = (),
    ) -> bool:
        update: Any = {
            "TableName": self._table,
            "Key": {"pk": {"S": line.pk}, "sk": {"S": line.sk}},
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        try:
            if events:
                self._client.transact_write_items(TransactItems=[{"Update": update}, *events])
            else:
                self._client.update_item(**update)
        except ClientError as error:
            if condition_failed(error) or cancelled_by_condition(error):
                return False
            if cancelled_by_contention(error):
                raise Unavailable("the line and its events met another transaction") from None
            raise
        return True


def _set(attributes: dict[str, Any]) -> str:
    return "SET " + ", ".join(f"{name} = :{name}" for name in attributes)


def _values(attributes: dict[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in attributes.items()}
