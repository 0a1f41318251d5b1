"""TransactWriteItems: every write worked out first, then all carried out, or none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.memory_dynamodb import writes
from tests.memory_dynamodb.errors import Refusal, invalid
from tests.memory_dynamodb.storage import Table

_MOST = 100
_LARGEST = 4 * 1024 * 1024
_WORK_OUT = {
    "Put": writes.put,
    "Update": writes.update,
    "Delete": writes.delete,
    "ConditionCheck": writes.check,
}
_EVALUATED = (
    "does not exist in the item",
    "incorrect data type",
    "invalid for update",
    "Item size",
    "Index Key",
)


def carry_out(items: Sequence[Mapping[str, Any]], table_of: Callable[[Mapping[str, Any]], Table]) -> None:
    """Carry a transaction out; `TransactionCanceledException` names why each write could not be."""
    if not 1 <= len(items) <= _MOST:
        raise invalid(f"Member must have length less than or equal to {_MOST}")
    _check_distinct(items, table_of)
    worked_out: list[writes.Write] = []
    reasons: list[dict[str, Any]] = []
    for item in items:
        [(kind, request)] = item.items()
        reason: dict[str, Any] = {"Code": "None"}
        try:
            worked_out.append(_WORK_OUT[kind](table_of(request), request))
        except Refusal as refusal:
            reason = _reason(refusal)
        reasons.append(reason)
    if any(reason["Code"] != "None" for reason in reasons):
        codes = ", ".join(reason["Code"] for reason in reasons)
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        raise Refusal("TransactionCanceledException", message, CancellationReasons=reasons)
    if sum(write.size for write in worked_out) > _LARGEST:
        raise invalid("Transaction payload size has exceeded the maximum allowed size")
    for write in worked_out:
        write.carry_out()


def _check_distinct(items: Sequence[Mapping[str, Any]], table_of: Callable[[Mapping[str, Any]], Table]) -> None:
    seen = set()
    for item in items:
        [(kind, request)] = item.items()
        table = table_of(request)
        own = (table.name, table.key_of(request["Item" if kind == "Put" else "Key"], alone=kind != "Put"))
        if own in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(own)


def _reason(refusal: Refusal) -> dict[str, Any]:
    if refusal.code == "ConditionalCheckFailedException":
        return {"Code": "ConditionalCheckFailed", "Message": refusal.message, **refusal.extra}
    if refusal.code == "ValidationException" and any(part in refusal.message for part in _EVALUATED):
        return {"Code": "ValidationError", "Message": refusal.message}
    raise refusal
