"""What AWS asks for before it does a call: an action, on a resource, for a partition key or an encryption context."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_PARTIQL = {"INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete"}
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_SENT_IN_BATCHES = {"SendMessageBatch": "SendMessage"}  # IAM knows the single action only

_NAMED_BY = {"kms": "KeyId", "secretsmanager": "SecretId", "sqs": "QueueUrl"}

# The partition key of each index; that of every table is `pk`.
_PARTITION_KEYS = {"listing": "list_pk", "lines": "line_pk", "ends": "end_pk", "due": "due_pk", "pair": "pair"}
_OF_NO_KIND = {"usage/index/pair", "window_usage"}


class Use(NamedTuple):
    """One right that a call needs: `resource` is a table as in `local.tables.Tables`, an index or a logical ID."""

    action: str
    resource: str
    key: str

    def general(self) -> "Use":
        """Return the use for any object of this kind: `KEY#key_1` is `KEY#*`, what begins with no kind is `*`."""
        found = None if self.resource in _OF_NO_KIND else re.match(r"HISTORY#[A-Z]+#|[A-Za-z_]+#|ep_", self.key)
        if found is None and re.fullmatch(r"[A-Za-z_]*", self.key):
            return self
        return self._replace(key=f"{found[0]}*" if found else "*")


def uses(service: str, operation: str, arguments: Mapping[str, Any], names: Mapping[str, str]) -> set[Use]:
    """Return the rights that AWS asks for before it does one call.

    `names` has the logical IDs of queues, keys and secrets by their URLs and ARNs.
    """
    if service == "dynamodb":
        return {Use(f"dynamodb:{action}", resource, key) for action, resource, key in _tables(operation, arguments)}
    name = names.get(arguments[_NAMED_BY[service]])
    if name is None:  # not of the template: a test's own queue
        return set()
    key = arguments.get("EncryptionContext", {}).get("endpoint", "")
    return {Use(f"{service}:{_SENT_IN_BATCHES.get(operation, operation)}", name, key)}


def _tables(operation: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if operation == "BatchGetItem":
        for name, requested in arguments["RequestItems"].items():
            yield from ((operation, _table(name), _text(key["pk"])) for key in requested["Keys"])
    elif operation in {"TransactWriteItems", "TransactGetItems"}:
        for item in arguments["TransactItems"]:
            yield from ((_TRANSACTION[kind], _table(of["TableName"]), _of_item(of)) for kind, of in item.items())
    elif operation == "BatchExecuteStatement":
        yield from (_of_statement(statement) for statement in arguments["Statements"])
    elif operation == "ExecuteStatement":
        yield _of_statement(arguments)
    elif operation == "Query":
        index = arguments.get("IndexName")
        yield operation, _table(arguments["TableName"]) + (f"/index/{index}" if index else ""), _queried(arguments)
    else:
        yield operation, _table(arguments["TableName"]), _of_item(arguments)


def _of_item(arguments: Mapping[str, Any]) -> str:
    item = arguments.get("Key") or arguments.get("Item")
    return _text(item["pk"]) if item else ""


def _queried(arguments: Mapping[str, Any]) -> str:
    name = _PARTITION_KEYS.get(arguments.get("IndexName", ""), "pk")
    found = re.search(rf"#?\b{name}\s*=\s*(:\w+)", arguments["KeyConditionExpression"])
    assert found is not None, f"no partition key in {arguments['KeyConditionExpression']}"
    return _text(arguments["ExpressionAttributeValues"][found[1]])


def _of_statement(statement: Mapping[str, Any]) -> tuple[str, str, str]:
    text = statement["Statement"]
    action = _PARTIQL.get(text.split(maxsplit=1)[0].upper(), "PartiQLSelect")
    return action, _table(re.findall(r'"([^"]+)"', text)[0]), _text(_parameter(text, statement["Parameters"]))


def _parameter(text: str, parameters: Sequence[Any]) -> Any:
    """Return the parameter that stands for `pk`."""
    found = re.search(r"(?:'pk'\s*:|\bpk\s*=)\s*\?", text)
    assert found is not None, f"no partition key in {text}"
    return parameters[text[: found.start()].count("?")]


def _text(value: Any) -> str:
    """Return a key as text: low-level clients pass `{"S": text}`."""
    return str(value["S"] if isinstance(value, Mapping) else value)


def _table(name: str) -> str:
    return name.rpartition("-")[2]
