"""Counting many records at a time: PartiQL inserts, 25 to a call, and the single write for what is left.

An insert is refused where the key exists. What exists is then known from the refusal, where the engine brings
the item along, or else read, 100 to a call; a re-send ends there, having cost one write unit. What says
something new goes through the conditional write of `dynamodb.usage.single_write`, which alone decides.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import TRANSIENT, is_transient
from fusion_billing.dynamodb.usage.items import revision_entry, stored_of
from fusion_billing.dynamodb.usage.single_write import Answer, UsageStore, settled
from fusion_billing.metering.outcome import CREATED, UNAVAILABLE
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSERTS = 25
_READS = 100
_EXISTS = frozenset({"DuplicateItem", "ConditionalCheckFailed"})
_OUTCOME_FIELDS = "pk, tgt, q, seq, mem, rev, voided"


class Refusal(RuntimeError):
    """The database refused a statement for a reason that no record gives it: an error of ours."""


class UsageBatch:
    """The usage table, many records at a time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._single = UsageStore(client, table)
        self._statements = {
            (sequence, member, properties): _statement(table, sequence=sequence, member=member, properties=properties)
            for sequence in (False, True)
            for member in (False, True)
            for properties in (False, True)
        }

    def push(self, source: str, pushes: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[Answer]:
        """Store `pushes`, whose keys are distinct, received `at`, for `source`; return what each came to.

        What could not be stored while `patience` lasts is `unavailable`.
        """
        answers: list[Answer | None] = [None] * len(pushes)
        existing: dict[int, Any] = {}
        pending = list(range(len(pushes)))
        attempt = 0
        while pending:
            again: list[int] = []
            for chunk in _chunks(pending, _INSERTS):
                refused = None if deadline.ended() else self._insert(source, [pushes[i] for i in chunk], at)
                if refused is None:
                    again += chunk
                    continue
                for place, index in enumerate(chunk):
                    error = refused.get(place)
                    if error is None:
                        answers[index] = Answer(CREATED, 1)
                    elif error["Code"] in _EXISTS:
                        existing[index] = error.get("Item")
                    else:
                        again.append(index)
            pending = again
            if pending and not deadline.wait(attempt):
                break
            attempt += 1
        self._settle(source, pushes, existing, answers, deadline)
        for index in existing:
            if answers[index] is None:
                answers[index] = self._single.push(source, pushes[index], at, deadline)
        return [answer or Answer(UNAVAILABLE) for answer in answers]

    def _insert(self, source: str, pushes: list[UsageRecord], at: str) -> dict[int, Any] | None:
        """Insert up to 25 records; return the errors by place, or None where the call is to be made again."""
        statements = [self._statement(source, push, at) for push in pushes]
        try:
            responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return None
        errors: dict[int, Any] = {}
        for place, response in enumerate(responses):
            error_told = response.get("Error")
            if error_told is not None:
                if error_told["Code"] not in _EXISTS and error_told["Code"] not in TRANSIENT:
                    raise Refusal(f"an insert of a usage record was refused: {error_told['Code']}")
                errors[place] = error_told
        return errors

    def _statement(self, source: str, push: UsageRecord, at: str) -> Any:
        parameters: list[Any] = [
            {"S": keys.usage_record(source, push.key)},
            {"S": push.target},
            {"S": push.pair},
            {"S": push.start},
            {"S": push.end},
            {"N": push.number},
            {"S": at},
            {"L": [revision_entry(push, at)]},
        ]
        sequence, member, properties = (
            push.sequence is not None,
            push.member is not None,
            bool(push.properties),
        )
        if sequence:
            parameters.append({"N": str(push.sequence)})
        if member:
            parameters.append({"S": push.member})
        if properties:
            parameters.append({"S": push.properties})
        return {
            "Statement": self._statements[sequence, member, properties],
            "Parameters": parameters,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _settle(
        self,
        source: str,
        pushes: Sequence[UsageRecord],
        existing: dict[int, Any],
        answers: list[Answer | None],
        deadline: Deadline,
    ) -> None:
        """Answer those of the existing records that need no write, reading what the engine did not bring."""
        unread = [index for index, item in existing.items() if not item]
        for chunk in _chunks(unread, _READS):
            if deadline.ended():
                break
            places = {keys.usage_record(source, pushes[index].key): index for index in chunk}
            for item in self._read(list(places)):
                existing[places[item["pk"]["S"]]] = item
        for index, item in existing.items():
            if item:
                answers[index] = settled(stored_of(item), pushes[index])

    def _read(self, pks: list[str]) -> list[dict[str, Any]]:
        """Return the items that are there of up to 100; those not answered go the single write's way."""
        request: Any = {
            "Keys": [keys.primary(pk) for pk in pks],
            "ConsistentRead": True,
            "ProjectionExpression": _OUTCOME_FIELDS,
        }
        try:
            answer = self._client.batch_get_item(RequestItems={self._table: request})
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return []
        items: list[dict[str, Any]] = answer["Responses"].get(self._table, [])
        return items


def _statement(table: str, *, sequence: bool, member: bool, properties: bool) -> str:
    fields = ["'pk':?", "'tgt':?", "'pair':?", "'ws':?", "'we':?", "'q':?", "'at':?", "'hist':?"]
    fields += ["'seq':?"] * sequence + ["'mem':?"] * member + ["'prop':?"] * properties
    return f"INSERT INTO \"{table}\" VALUE {{{','.join(fields)},'rev':1}}"


def _chunks(values: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
