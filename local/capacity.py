"""Count the consumed capacity of calls, for tests and benchmarks."""

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ASKED = (
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "TransactGetItems",
    "ExecuteStatement",
    "BatchExecuteStatement",
    "ExecuteTransaction",
)


class Consumed:
    """The calls of one client and the capacity units they consumed."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, dict[str, Any]]] = []

    def record(self, operation: str, response: dict[str, Any]) -> None:
        """Note one call."""
        self._calls.append((operation, response))

    @property
    def operations(self) -> list[str]:
        """The operations called, in their order."""
        return [operation for operation, _ in self._calls]

    def units(self, table: str) -> float:
        """Return the capacity units, its indexes' included, consumed on `table` so far."""
        reported = itertools.chain.from_iterable(_as_list(a.get("ConsumedCapacity")) for _, a in self._calls)
        return sum((float(each["CapacityUnits"]) for each in reported if each["TableName"] == table), 0.0)

    def clear(self) -> None:
        """Forget the calls so far."""
        self._calls.clear()


def _as_list(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def meter(client: "DynamoDBClient") -> Consumed:
    """Request the consumed capacity of every call of `client`, and return the counter.

    A call refused by its condition has no response with a capacity and is not counted.
    """
    consumed = Consumed()

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def note(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed.record(model.name, parsed)

    for operation in _ASKED:
        client.meta.events.register(f"provide-client-params.dynamodb.{operation}", ask)
    client.meta.events.register("after-call.dynamodb", note)
    return consumed
