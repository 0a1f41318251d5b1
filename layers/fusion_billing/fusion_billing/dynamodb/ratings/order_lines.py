"""The order lines of ratings: which are due in each partition, and the result of sending them.

A line is among those of its period (`shared_lines`), or on its rating's item: an earlier release put it there, or it
failed, was changed in Odoo, waits for a final invoice, or its period is invoiced.

Before a call its intent is written, and what became of the line is written under the rating's version, the intent
being cleared by the same write: a newer version that arrived meanwhile stays due, and what is not acknowledged stays
unknown. A write that finds another intent than the one it was read with leaves everything as it is: another run is at
work on the line.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.errors import cancelled_by_condition, cancelled_by_contention, condition_failed
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
from fusion_billing.dynamodb.ratings.line_conditions import (
    FROZEN,
    NOT_NEWER_THERE,
    STILL_DUE,
    STILL_THIS,
    Condition,
)
from fusion_billing.dynamodb.ratings.line_intents import RatingIntents
from fusion_billing.dynamodb.ratings.order_line_items import (
    FINAL_INVOICE,
    STORED_FAILED,
    Intent,
    Put,
    Standing,
    StoredLine,
    noted,
)
from fusion_billing.dynamodb.ratings.order_line_reading import LineReading
from fusion_billing.dynamodb.ratings.shared_lines import SharedLines
from fusion_billing.errors import Conflict, Unavailable
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NO_INTENT = "attribute_not_exists(line_intent)"
_NO_OTHER_INTENT = f"({_NO_INTENT} OR line_intent = :intent)"


Fate = Literal["sent", "overtaken", "frozen"]
"""What a line met on its way: nothing, a newer version of its rating, or the invoicing of its period."""


_SENT_REMOVES = ("line_error", "line_message", "line_intent")
_MOST_EVENTS = 99
"""Writes of events that fit into a transaction, beside the lines."""
_Writes = Sequence[TransactionWrite]


class LineStore(LineReading):
    """Lines in the ratings table, read and written."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        super().__init__(client, table)
        self._shared = SharedLines(client, table, self._lines)
        self._on_ratings = RatingIntents(client, table)

    def intend(self, intents: Sequence[tuple[StoredLine, Intent]]) -> list[bool]:
        """Write the intents of lines, 25 to a call; return for each line whether it may be sent.

        One that may not has a newer version, or its period was invoiced. From here on the digest acknowledged
        before proves nothing. Raises `Unavailable` where the table could not answer for some in time.
        """
        going = self._shared.intend(intents) | self._on_ratings.intend(intents)
        return [number in going for number in range(len(intents))]

    def sent(
        self,
        line: StoredLine,
        put: Put,
        now: datetime,
        events: Sequence[TransactionWrite] = (),
        *,
        awaits_invoice: bool = False,
    ) -> Fate:
        """Write that Odoo holds this version, with the writes of its events; return the result for the rating.

        Of a version that was overtaken, or frozen, on its way only what Odoo acknowledged is noted, since
        that is what it will bill. `awaits_invoice` lists the line until an operator has invoiced it.
        """
        stored = noted(line, put)
        done = _done(line, put, now)
        removed = list(_SENT_REMOVES)
        if awaits_invoice:
            self._shared.move_to_rating(line)
            done |= {
                "line_state": {"S": FINAL_INVOICE},
                "line_pk": {"S": FINAL_INVOICE},
                "line_at": {"S": sortable(now)},
            }
        else:
            removed += ["line_pk", "line_at"]
        if self._write(line, done, removed, STILL_THIS, events=events):
            return "sent"
        shown = {**stored, **{name: done[name] for name in ("line_state", "line_sent_at")}}
        if self._write_frozen(line, {**shown, "line_state": {"S": "sent"}}, [], now):
            return "frozen"
        self._write(line, stored, ["line_intent"], NOT_NEWER_THERE)
        return "overtaken"

    def sent_together(
        self, results: Sequence[tuple[StoredLine, Put, Sequence[TransactionWrite]]], now: datetime
    ) -> list[Fate]:
        """Write that Odoo holds these versions of lines of one period, as `sent` does of one, in one write."""
        updates = [(line, _done(line, put, now)) for line, put, _ in results]
        events = [event for _, _, own in results for event in own]
        removed = [*_SENT_REMOVES, "line_pk", "line_at"]
        if len(events) < _MOST_EVENTS and self._shared.write_all(updates, removed, STILL_THIS, events):
            return ["sent"] * len(results)
        return [self.sent(line, put, now, own) for line, put, own in results]

    def fail(
        self,
        line: StoredLine,
        error: str,
        message: str,
        now: datetime,
        events: Sequence[TransactionWrite] = (),
        *,
        standing: Standing | None = None,
    ) -> bool:
        """Fail the line, which is not retried until an operator asks for it. Return False if a newer version exists.

        `standing` is what was read from Odoo. If it is None, the intent stays.
        """
        values: dict[str, Any] = {
            "line_state": {"S": STORED_FAILED},
            "line_pk": {"S": STORED_FAILED},
            "line_at": {"S": sortable(now)},
            "line_error": {"S": error},
            "line_message": {"S": message},
        }
        self._shared.move_to_rating(line)
        return self._resolve(line, values, STILL_THIS, standing, now=now, events=events)

    def postpone(
        self, line: StoredLine, error: str, message: str, at: datetime, *, standing: Standing | None = None
    ) -> bool:
        """Put the line off until `at`, counting the try; False where a newer version came.

        `standing` is what was seen of it in Odoo, None where the result is unknown: then the intent stays.
        """
        values: dict[str, Any] = {
            "line_at": {"S": sortable(at)},
            "line_error": {"S": error},
            "line_message": {"S": message},
            "line_tries": {"N": str(line.attempt_count + 1)},
        }
        return self._resolve(line, values, STILL_DUE, standing, now=at, more={":due": {"S": "due"}})

    def retired(self, line: StoredLine, suffix: str, line_partition: int, now: datetime) -> bool:
        """Write that nothing is left of the line on its former order or product; it is due as a new one.

        The new line's external id ends in `suffix`. False where a newer version came, or the period closed.
        """
        values: dict[str, Any] = {
            "line_suffix": {"S": suffix},
            "line_pk": {"S": keys.due_lines_partition(line_partition)},
            "line_at": {"S": sortable(now)},
        }
        return self._resolve(line, values, STILL_DUE, Standing(), now=now, more={":due": {"S": "due"}})

    def make_due(
        self, line: StoredLine, line_partition: int, now: datetime, *, forget: bool = False, also: _Writes = ()
    ) -> None:
        """Make a line due at once, or raise `Conflict`; `forget` what was sent, so that an unchanged one is sent."""
        values: dict[str, Any] = {
            "line_state": {"S": "due"},
            "line_pk": {"S": keys.due_lines_partition(line_partition)},
            "line_at": {"S": sortable(now)},
            "line_tries": {"N": "0"},
        }
        removed = ["line_error", "line_message", *(["line_digest"] if forget else [])]
        is_written = self._shared.write(line, values, removed, STILL_THIS, also, any_intent=True)
        if is_written is None:
            is_written = self._update(line, *_expression(values, removed), STILL_THIS.expression, also)
        if not is_written:
            raise Conflict("the rating changed meanwhile, or its period is invoiced: read it again")

    def move_to_partition(self, line: StoredLine, partition: str) -> bool:
        """List a due line that is among those of its period under another partition; False if it is no longer due."""
        return bool(self._shared.write(line, {"line_pk": {"S": partition}}, (), STILL_DUE, any_intent=True))

    def _resolve(
        self,
        line: StoredLine,
        values: dict[str, Any],
        condition: Condition,
        standing: Standing | None,
        *,
        now: datetime,
        events: Sequence[Any] = (),
        more: dict[str, Any] | None = None,
    ) -> bool:
        """Write what became of a line, and what stands in Odoo where that was seen.

        Where the line was overtaken, or its period closed meanwhile, what stands is noted all the same.
        """
        if standing is None:
            return self._write(line, values, [], condition, events=events, more=more)
        reported, gone = standing.attributes()
        resolved = [*gone, "line_intent"]
        if self._write(line, {**values, **reported}, resolved, condition, events=events, more=more):
            return True
        if not self._write_frozen(line, reported, gone, now):
            self._write(line, reported, resolved, NOT_NEWER_THERE)
        return False

    def _write_frozen(self, line: StoredLine, values: dict[str, Any], removed: list[str], now: datetime) -> bool:
        """Note on a frozen rating what Odoo holds, and have its invoices read (again)."""
        due = {
            "line_pk": {"S": keys.invoices_partition_of_due(line.line_partition)},
            "line_at": {"S": sortable(now)},
        }
        return self._write(line, {**values, **due}, [*removed, "line_intent", "billed"], FROZEN)

    def _write(
        self,
        line: StoredLine,
        values: dict[str, Any],
        removed: Sequence[str],
        condition: Condition,
        *,
        events: Sequence[TransactionWrite] = (),
        more: dict[str, Any] | None = None,
    ) -> bool:
        """Write unless another run's intent stands by now."""
        is_written = self._shared.write(line, values, removed, condition, events)
        if is_written is not None:
            return is_written
        expression, given = _expression(values, removed)
        if condition is STILL_DUE:
            given |= {":due": {"S": "due"}}
        given |= more or {}
        if line.intent is None:
            on_item = f"{condition.expression} AND {_NO_INTENT}"
        else:
            on_item = f"{condition.expression} AND {_NO_OTHER_INTENT}"
            given[":intent"] = {"S": line.intent.text()}
        return self._update(line, expression, given, on_item, events)

    def _update(
        self,
        line: StoredLine,
        expression: str,
        values: dict[str, Any],
        condition: str,
        events: Sequence[Any] = (),
    ) -> bool:
        if ":version" in condition:
            values = {**values, ":version": {"N": str(line.version)}}
        update: Any = {
            "TableName": self._table,
            "Key": {"pk": {"S": line.pk}, "sk": {"S": line.sk}},
            "UpdateExpression": expression,
            "ConditionExpression": condition,
        }
        if values:
            update["ExpressionAttributeValues"] = values
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


def _done(line: StoredLine, put: Put, now: datetime) -> Item:
    """Return the attributes of a line whose version Odoo holds."""
    return {
        "line_state": {"S": "sent"},
        "line_sent_at": {"S": rfc3339(now)},
        "line_tries": {"N": "0"},
        **noted(line, put),
    }


def _expression(values: dict[str, Any], removed: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return an update expression and its values."""
    update = UpdateExpression().set_all(values).remove(*(name for name in removed if name not in values))
    return str(update), placeholders(values)
