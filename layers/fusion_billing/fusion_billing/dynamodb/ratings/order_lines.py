"""The order lines of ratings: which are due in each partition, and the result of sending them.

A rating's item is its line's outbox. Before a call its intent is written, and what became of the line is
written under the rating's version, the intent being cleared by the same write: a newer version that arrived
meanwhile stays due, and what is not acknowledged stays unknown. A write that finds another intent than the
one it was read with leaves everything as it is: another run is at work on the line.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import errors, keys
from fusion_billing.dynamodb.errors import cancelled_by_condition, cancelled_by_contention, condition_failed
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
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
from fusion_billing.errors import Conflict, Unavailable
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.retry import WRITES
from fusion_billing.webhooks.publishing import TransactionWrite

_IS_THIS_VERSION = "version = :version"
_IS_NOT_FROZEN = "attribute_not_exists(frozen)"
_IS_NOT_NEWER_THERE = "(attribute_not_exists(line_version) OR line_version <= :version)"
_NO_INTENT = "attribute_not_exists(line_intent)"
_NO_OTHER_INTENT = f"({_NO_INTENT} OR line_intent = :intent)"

_STATEMENTS = 25  # of PartiQL in one call
_INTEND = (
    "SET line_intent = ? REMOVE line_digest "
    "WHERE pk = ? AND sk = ? AND version = ? AND line_state = 'due' AND frozen IS MISSING"
)
_REFUSALS = frozenset({"ConditionalCheckFailed"})
_TRANSIENT = errors.TRANSIENT


Fate = Literal["sent", "overtaken", "frozen"]
"""What a line met on its way: nothing, a newer version of its rating, or the invoicing of its period."""


class LineStore(LineReading):
    """Lines in the ratings table, read and written."""

    def intend(self, intents: Sequence[tuple[StoredLine, Intent]]) -> list[bool]:
        """Write the intents of lines, 25 to a call; return for each line whether it may be sent.

        One that may not has a newer version, or its period was invoiced. From here on the digest acknowledged
        before proves nothing. Raises `Unavailable` where the table could not answer for some in time.
        """
        may_go = [False] * len(intents)
        pending = list(range(len(intents)))
        for _ in WRITES.attempts():
            again: list[int] = []
            for first in range(0, len(pending), _STATEMENTS):
                chunk = pending[first : first + _STATEMENTS]
                statements = [self._intent_statement(*intents[index]) for index in chunk]
                responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
                for index, response in zip(chunk, responses, strict=True):
                    code = response["Error"]["Code"] if "Error" in response else None
                    if code in _TRANSIENT:
                        again.append(index)
                    elif code is not None and code not in _REFUSALS:
                        raise Unavailable(f"the ratings table refused an intent: {code}")
                    may_go[index] = code is None
            if not again:
                return may_go
            pending = again
        raise Unavailable("The ratings table is throttled: send the request again")

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
        done: dict[str, Any] = {
            "line_state": {"S": "sent"},
            "line_sent_at": {"S": rfc3339(now)},
            "line_tries": {"N": "0"},
            **stored,
        }
        removed = ["line_error", "line_message", "line_intent"]
        if awaits_invoice:
            done |= {
                "line_state": {"S": FINAL_INVOICE},
                "line_pk": {"S": FINAL_INVOICE},
                "line_at": {"S": sortable(now)},
            }
        else:
            removed += ["line_pk", "line_at"]
        still_this = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN}"
        if self._write(line, done, removed, still_this, events=events):
            return "sent"
        shown = {**stored, **{name: done[name] for name in ("line_state", "line_sent_at")}}
        if self._write_frozen(line, {**shown, "line_state": {"S": "sent"}}, [], now):
            return "frozen"
        self._write(line, stored, ["line_intent"], _IS_NOT_NEWER_THERE)
        return "overtaken"

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
        still_this = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN}"
        return self._resolve(line, values, still_this, standing, now=now, events=events)

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
        still_due = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN} AND line_state = :due"
        return self._resolve(line, values, still_due, standing, now=at, more={":due": {"S": "due"}})

    def retired(self, line: StoredLine, suffix: str, line_partition: int, now: datetime) -> bool:
        """Write that nothing is left of the line on its former order or product; it is due as a new one.

        The new line's external id ends in `suffix`. False where a newer version came, or the period closed.
        """
        values: dict[str, Any] = {
            "line_suffix": {"S": suffix},
            "line_pk": {"S": keys.due_lines_partition(line_partition)},
            "line_at": {"S": sortable(now)},
        }
        still_due = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN} AND line_state = :due"
        return self._resolve(line, values, still_due, Standing(), now=now, more={":due": {"S": "due"}})

    def make_due(self, line: StoredLine, line_partition: int, now: datetime, *, forget: bool = False) -> None:
        """Make a line due at once; `forget` what was sent, so that an unchanged one is sent all the same.

        Raises `Conflict` where the rating is frozen, or is no longer the version that was read.
        """
        values: dict[str, Any] = {
            "line_state": {"S": "due"},
            "line_pk": {"S": keys.due_lines_partition(line_partition)},
            "line_at": {"S": sortable(now)},
            "line_tries": {"N": "0"},
        }
        removed = ["line_error", "line_message", *(["line_digest"] if forget else [])]
        still_this = f"{_IS_THIS_VERSION} AND {_IS_NOT_FROZEN}"
        if not self._update(line, *_expression(values, removed), still_this):
            raise Conflict("the rating changed meanwhile, or its period is invoiced: read it again")

    def _resolve(
        self,
        line: StoredLine,
        values: dict[str, Any],
        condition: str,
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
            self._write(line, reported, resolved, _IS_NOT_NEWER_THERE)
        return False

    def _write_frozen(self, line: StoredLine, values: dict[str, Any], removed: list[str], now: datetime) -> bool:
        """Note on a frozen rating what Odoo holds, and have its invoices read (again)."""
        due = {
            "line_pk": {"S": keys.invoices_partition_of_due(line.line_partition)},
            "line_at": {"S": sortable(now)},
        }
        return self._write(line, {**values, **due}, [*removed, "line_intent", "billed"], "attribute_exists(frozen)")

    def _write(
        self,
        line: StoredLine,
        values: dict[str, Any],
        removed: Sequence[str],
        condition: str,
        *,
        events: Sequence[Any] = (),
        more: dict[str, Any] | None = None,
    ) -> bool:
        """Write unless another run's intent stands by now."""
        expression, given = _expression(values, removed)
        given |= more or {}
        if line.intent is None:
            condition += f" AND {_NO_INTENT}"
        else:
            condition += f" AND {_NO_OTHER_INTENT}"
            given[":intent"] = {"S": line.intent.text()}
        return self._update(line, expression, given, condition, events)

    def _intent_statement(self, line: StoredLine, intent: Intent) -> Any:
        # Table and attribute names alone; every value is a parameter.
        parameters = [
            {"S": intent.text()},
            {"S": line.pk},
            {"S": line.sk},
            {"N": str(line.version)},
        ]
        return {"Statement": f'UPDATE "{self._table}" {_INTEND}', "Parameters": parameters}

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


def _expression(values: dict[str, Any], removed: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return an update expression and its values."""
    update = UpdateExpression().set_all(values).remove(*(name for name in removed if name not in values))
    return str(update), placeholders(values)
