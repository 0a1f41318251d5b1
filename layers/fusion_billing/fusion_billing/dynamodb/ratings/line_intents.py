"""Intents of lines that are on their ratings' items, written 25 to a call."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fusion_billing.dynamodb import errors
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.ratings.order_line_items import Intent, StoredLine
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_STATEMENTS = 25  # of PartiQL in one call
_INTEND = (
    "SET line_intent = ? REMOVE line_digest "
    "WHERE pk = ? AND sk = ? AND version = ? AND line_state = 'due' AND frozen IS MISSING"
)
_REFUSALS = frozenset({"ConditionalCheckFailed"})


class RatingIntents:
    """Writes intents onto ratings' items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def intend(self, intents: Sequence[tuple[StoredLine, Intent]]) -> set[int]:
        """Write the intents of lines that are on their ratings; return the numbers of those that may be sent.

        Raises `Unavailable`.
        """
        going: set[int] = set()
        pending = [number for number, (line, _) in enumerate(intents) if not line.is_shared]
        for _ in WRITES.attempts():
            again: list[int] = []
            for first in range(0, len(pending), _STATEMENTS):
                chunk = pending[first : first + _STATEMENTS]
                for number, code in zip(chunk, self._written([intents[number] for number in chunk]), strict=True):
                    if code is None:
                        going.add(number)
                    elif code in errors.TRANSIENT:
                        again.append(number)
                    elif code not in _REFUSALS:
                        raise Unavailable(f"the ratings table refused an intent: {code}")
            if not again:
                return going
            pending = again
        raise Unavailable("The ratings table is throttled: send the request again")

    def _written(self, intents: Sequence[tuple[StoredLine, Intent]]) -> list[str | None]:
        """Write intents in one call; return the error's code of each, or None."""
        statements = [self._statement(line, intent) for line, intent in intents]
        responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        return [response["Error"]["Code"] if "Error" in response else None for response in responses]

    def _statement(self, line: StoredLine, intent: Intent) -> Request:
        # Table and attribute names alone; every value is a parameter.
        parameters = [{"S": intent.text()}, {"S": line.pk}, {"S": line.sk}, {"N": str(line.version)}]
        return {"Statement": f'UPDATE "{self._table}" {_INTEND}', "Parameters": parameters}
