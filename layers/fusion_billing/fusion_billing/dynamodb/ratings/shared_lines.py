"""The relay's writes of lines that are among those of their period, in one item.

What is written of a line, and under which condition, is the same as on its rating's item. A line that was moved there
since it was read raises `LineMoved` inside, and is then written there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView, Request
from fusion_billing.dynamodb.errors import cancelled_by_condition, cancelled_by_contention, unavailable_when_transient
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
from fusion_billing.dynamodb.ratings.line_conditions import STILL_DUE, Condition, has_no_other_intent
from fusion_billing.dynamodb.ratings.order_line_items import STORED_NONE, Intent, StoredLine
from fusion_billing.dynamodb.ratings.period_lines import LineMoved, PeriodLines
from fusion_billing.dynamodb.ratings.period_lines_store import Change, PeriodLinesStore
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_HAS_NO_LINE = "attribute_exists(pk) AND attribute_not_exists(line_state) AND attribute_not_exists(frozen)"


class _Intents:
    """The intents of lines of one period, by number, and the numbers of those that may go."""

    def __init__(self) -> None:
        self.intents: list[tuple[int, StoredLine, Intent]] = []
        self.going: set[int] = set()

    def __call__(self, lines: PeriodLines) -> PeriodLines:
        self.going = set()
        for number, line, intent in self.intents:
            try:
                own = lines.line(line.sk)
            except LineMoved:
                continue
            if own is not None and STILL_DUE.holds(own, line):
                lines = lines.changed(line.sk, {"line_intent": {"S": intent.text()}}, ["line_digest"])
                self.going.add(number)
        return lines


class SharedLines:
    """Lines among those of their period, written. Of lines that are on their ratings' items it writes nothing."""

    def __init__(self, client: "DynamoDBClient", table: str, lines: PeriodLinesStore) -> None:
        self._client = client
        self._table = table
        self._lines = lines

    def intend(self, intents: Sequence[tuple[StoredLine, Intent]]) -> set[int]:
        """Write intents, those of a period together; return the numbers of the lines that may be sent.

        Raises `Unavailable`.
        """
        by_period: dict[str, _Intents] = {}
        for number, (line, intent) in enumerate(intents):
            if line.is_shared:
                by_period.setdefault(line.pk, _Intents()).intents.append((number, line, intent))
        changes: dict[str, Change] = dict(by_period)
        going: set[int] = set()
        for pk, result in self._lines.change_many(changes).items():
            if isinstance(result, Exception):
                raise result
            going |= by_period[pk].going
        return going

    def write(
        self,
        line: StoredLine,
        values: ItemView,
        removed: Sequence[str],
        condition: Condition,
        events: Sequence[TransactionWrite] = (),
        *,
        any_intent: bool = False,
        may_be_new: bool = False,
    ) -> bool | None:
        """Write a line unless another run's intent stands; return None if the line is on its rating's item.

        A line that was never due is written only if it `may_be_new`.
        """
        if not line.is_shared:
            return None

        def change(lines: PeriodLines) -> PeriodLines | None:
            own = lines.line(line.sk)
            own = {} if own is None and may_be_new else own
            if own is None or not condition.holds(own, line):
                return None
            if not any_intent and not has_no_other_intent(own, line):
                return None
            return lines.changed(line.sk, values, removed)

        return self._changed(line.pk, change, events)

    def write_all(
        self,
        updates: Sequence[tuple[StoredLine, Item]],
        removed: Sequence[str],
        condition: Condition,
        events: Sequence[TransactionWrite],
    ) -> bool:
        """Write lines of one period in one write; return False, and write nothing, unless all of them may be."""
        if len({line.pk for line, _ in updates}) != 1 or not all(line.is_shared for line, _ in updates):
            return False

        def change(lines: PeriodLines) -> PeriodLines | None:
            for line, values in updates:
                own = lines.line(line.sk)
                if own is None or not condition.holds(own, line) or not has_no_other_intent(own, line):
                    return None
                lines = lines.changed(line.sk, values, removed)
            return lines

        return self._changed(updates[0][0].pk, change, events) is True

    def _changed(self, pk: str, change: Change, events: Sequence[TransactionWrite]) -> bool | None:
        try:
            with unavailable_when_transient():
                return self._lines.change(pk, change, events)
        except LineMoved:
            return None

    def move_to_rating(self, line: StoredLine) -> None:
        """Move a line onto its rating's item as it is, if it is among those of its period; raises `Unavailable`.

        There it may be in a list of its own in the index: of failed lines, of changed ones, of those to be invoiced.
        """
        if not line.is_shared:
            return
        for _ in WRITES.attempts():
            lines = self._lines.current(line.pk)
            try:
                own = lines.line(line.sk)
            except LineMoved:
                return
            if own is None:
                return
            without = lines.without(line.sk)
            try:
                self._client.transact_write_items(TransactItems=[self._moved(line, own), self._lines.update(without)])
            except ClientError as error:
                if not cancelled_by_condition(error) and not cancelled_by_contention(error):
                    raise
            else:
                self._lines.written(without)
                return
        raise Unavailable("other writers keep changing the lines of the period: send the request again")

    def _moved(self, line: StoredLine, own: Item) -> Request:
        """Return the write that puts the attributes of a line onto its rating's item."""
        values = {"line_state": {"S": STORED_NONE}, **own}
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.primary(line.pk, line.sk),
                "UpdateExpression": str(UpdateExpression().set_all(values)),
                "ConditionExpression": _HAS_NO_LINE,
                "ExpressionAttributeValues": placeholders(values),
            }
        }
