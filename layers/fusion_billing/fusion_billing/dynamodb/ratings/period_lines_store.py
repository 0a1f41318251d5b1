"""Read and write the items that hold the order lines of a period.

A change is a function of what is stored. It is written under the revision that it was made of, and made again if
another writer was faster.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import batch_reads, errors, keys
from fusion_billing.dynamodb.attributes import Item, Request
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
from fusion_billing.dynamodb.ratings.period_lines import LineMoved, PeriodLines
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Change = Callable[[PeriodLines], PeriodLines | None]
"""Returns the lines as they are to be, what it was given if nothing is to be written, or None to refuse.

It may raise `LineMoved`.
"""

_STATEMENTS = 25  # of PartiQL in one call
_MOST_KNOWN = 2_000
_IS_NEW = "attribute_not_exists(pk)"
_IS_THE_ONE_READ = "revision = :read"
_INDEXED = ("line_pk", "line_at")
_BUSY = "Other writers keep changing the lines of the same period: send the request again"


class PeriodLinesStore:
    """The items of the ratings table that hold the lines of a period."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._known: dict[str, PeriodLines] = {}

    def noted(self, item: Item) -> PeriodLines:
        """Return the lines in an item that was read, which the next change starts from."""
        return self._note(PeriodLines.of(item))

    def noted_absent(self, pk: str) -> None:
        """Note that there was no item when a partition was read."""
        self._note(PeriodLines(pk))

    def read(self, partitions: Iterable[str]) -> dict[str, PeriodLines]:
        """Return the lines of partitions as they are now; raises `Unavailable`."""
        requested = [keys.primary(pk, keys.PERIOD_LINES) for pk in dict.fromkeys(partitions)]
        return {item["pk"]["S"]: self.noted(item) for item in batch_reads.items(self._client, self._table, requested)}

    def current(self, pk: str) -> PeriodLines:
        """Return the lines of a partition as they are now; raises `Unavailable`."""
        found = self.read([pk]).get(pk)
        return self._note(PeriodLines(pk)) if found is None else found

    def change(self, pk: str, change: Change, events: Sequence[Request] = ()) -> bool:
        """Make a change with the writes of its events, all or nothing; return False if the change refuses.

        Raises `LineMoved` as `change` does, and `Unavailable` if other writers keep being faster.
        """
        lines = self._known.get(pk)
        if lines is not None:
            made = self._attempt(lines, change, events)
            if made:
                return True
        for _ in WRITES.attempts():
            made = self._attempt(self.current(pk), change, events, is_current=True)
            if made is not None:
                return made
        raise Unavailable(_BUSY)

    def _attempt(
        self, lines: PeriodLines, change: Change, events: Sequence[Request], *, is_current: bool = False
    ) -> bool | None:
        """Make a change of lines that were read; return None if they are not the current ones, or may not be."""
        try:
            new = change(lines)
        except LineMoved:
            if is_current:
                raise
            return None
        if new is None:
            return False if is_current else None
        if new is lines and not events:
            return True
        return True if self.write(new, events) else None

    def write(self, lines: PeriodLines, events: Sequence[Request] = ()) -> bool:
        """Write lines over the revision that they were made of; return False if another writer was faster."""
        update = self.update(lines)
        try:
            if events:
                self._client.transact_write_items(TransactItems=[update, *events])
            else:
                self._client.update_item(**update["Update"])
        except ClientError as error:
            if errors.condition_failed(error) or errors.reasons(error)[:1] == ["ConditionalCheckFailed"]:
                return False
            if errors.cancelled_by_contention(error):
                return False
            raise
        self.written(lines)
        return True

    def update(self, lines: PeriodLines) -> Request:
        """Return the write of lines over the revision that they were made of; `written` is to be called after it."""
        values = lines.values()
        update = UpdateExpression().set_all(values).remove(*(name for name in _INDEXED if name not in values))
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": lines.key,
            "UpdateExpression": str(update),
            "ConditionExpression": _IS_THE_ONE_READ if lines.revision else _IS_NEW,
            "ExpressionAttributeValues": placeholders(values),
        }
        if lines.revision:
            request["ExpressionAttributeValues"][":read"] = {"N": str(lines.revision)}
        return {"Update": request}

    def written(self, lines: PeriodLines) -> None:
        """Note that lines were written: they have their next revision."""
        self._note(PeriodLines(lines.pk, lines.revision + 1, lines.lines, lines.moved))

    def change_many(self, changes: Mapping[str, Change]) -> dict[str, bool | Exception]:
        """Make a change in each of many partitions, 25 to a call; return for each what `change` returns or raises."""
        results: dict[str, bool | Exception] = {}
        made: list[PeriodLines] = []
        for pk, change in changes.items():
            lines = self._known.get(pk)
            try:
                new = None if lines is None else change(lines)
            except LineMoved:
                new = None
            if new is None:
                continue  # made of what is stored now, alone
            if new is lines:
                results[pk] = True
            else:
                made.append(new)
        for first in range(0, len(made), _STATEMENTS):
            for lines in self._written(made[first : first + _STATEMENTS]):
                results[lines.pk] = True
        for pk, change in changes.items():
            if pk not in results:
                results[pk] = self._alone(pk, change)
        return results

    def _alone(self, pk: str, change: Change) -> bool | Exception:
        try:
            with errors.unavailable_when_transient():
                return self.change(pk, change)
        except (LineMoved, Unavailable) as error:
            return error
        except ClientError as error:
            return errors.rejection_of(error)

    def _written(self, made: Sequence[PeriodLines]) -> list[PeriodLines]:
        """Write lines in one call; return those that were written."""
        statements = [self._statement(lines) for lines in made]
        responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        done = [lines for lines, response in zip(made, responses, strict=True) if "Error" not in response]
        for lines in made:
            self._known.pop(lines.pk, None)
        for lines in done:
            self.written(lines)
        return done

    def _statement(self, lines: PeriodLines) -> Request:
        values = lines.values()
        if not lines.revision:
            item = {**lines.key, **values}
            names = ", ".join(f"'{name}': ?" for name in item)
            # Table and attribute names alone; every value is a parameter.
            return {"Statement": f'INSERT INTO "{self._table}" VALUE {{{names}}}', "Parameters": list(item.values())}
        sets = " ".join(f"SET {name} = ?" for name in values)
        gone = " ".join(f"REMOVE {name}" for name in _INDEXED if name not in values)
        statement = f'UPDATE "{self._table}" {sets} {gone} WHERE pk = ? AND sk = ? AND revision = ?'
        read = {"N": str(lines.revision)}
        return {"Statement": statement, "Parameters": [*values.values(), lines.key["pk"], lines.key["sk"], read]}

    def _note(self, lines: PeriodLines) -> PeriodLines:
        if len(self._known) >= _MOST_KNOWN and lines.pk not in self._known:
            self._known.clear()
        self._known[lines.pk] = lines
        return lines
