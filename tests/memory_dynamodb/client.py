"""The low-level client of DynamoDB, in memory: what the stores use of it, in botocore's names and shapes.

Every call sees the tables as they are now, indexes too: what DynamoDB makes eventually consistent, this makes
consistent. Nothing expires. One lock makes calls of several threads come one after another.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from tests.memory_dynamodb import parsing, queries, statements, transactions, writes
from tests.memory_dynamodb.errors import Exceptions, Refusal, invalid
from tests.memory_dynamodb.evaluation import Scope, projected
from tests.memory_dynamodb.events import Meta
from tests.memory_dynamodb.hooks import Hooks
from tests.memory_dynamodb.storage import Table, no_table
from tests.memory_dynamodb.values import Item, copied, normalised

_MOST_READ, _MOST_WRITTEN = 100, 25
_LARGEST_READ = 16 * 1024 * 1024

Answer = dict[str, Any]


class MemoryDynamoDB:
    """Tables in memory and a client of them; `hooks` sees every call and may fail it."""

    exceptions = Exceptions

    def __init__(self, hooks: Hooks | None = None) -> None:
        self.hooks = hooks or Hooks()
        self.meta = Meta()
        self._endpoint = SimpleNamespace(http_session=None)
        """Where botocore's clients have their connections."""
        self._tables: dict[str, Table] = {}
        self._lock = threading.RLock()

    def another(self, hooks: Hooks | None = None) -> "MemoryDynamoDB":
        """Return another client of the same tables, as another process has it."""
        made = MemoryDynamoDB(hooks)
        made._tables, made._lock = self._tables, self._lock
        return made

    def snapshot(self) -> "MemoryDynamoDB":
        """Return a client of the tables as they are now: what an index that lags still shows later."""
        made = MemoryDynamoDB()
        with self._lock:
            made._tables = {name: table.snapshot() for name, table in self._tables.items()}
        return made

    # --- tables ---

    def create_table(self, **request: Any) -> Answer:
        """Make a table, at once active."""
        name = request["TableName"]
        if name in self._tables:
            raise Refusal("ResourceInUseException", "Cannot create preexisting table").as_client_error("CreateTable")
        self._tables[name] = Table(name, request)
        return self.describe_table(TableName=name)

    def delete_table(self, **request: Any) -> Answer:
        """Delete a table."""

        def deleted() -> Answer:
            del self._tables[self._table(request).name]
            return {}

        return self._call("DeleteTable", request, deleted)

    def describe_table(self, **request: Any) -> Answer:
        """Say when a table was made."""

        def described() -> Answer:
            table = self._table(request)
            about = {"TableName": table.name, "TableStatus": "ACTIVE", "CreationDateTime": table.created}
            return {"Table": {**about, "ItemCount": len(table.items)}}

        return self._call("DescribeTable", request, described)

    def table(self, name: str) -> Table:
        """Return a table itself, for tests to look into or to date."""
        return self._tables[name]

    def contents(self, name: str) -> list[Item]:
        """Return a copy of all items of a table, by key."""
        with self._lock:
            items = self._tables[name].items
            return [copied(items[key].item) for key in sorted(items)]

    # --- one item ---

    def get_item(self, **request: Any) -> Answer:
        """Read an item."""

        def got() -> Answer:
            item = self._got(self._table(request), request["Key"], request)
            return {} if item is None else {"Item": item}

        return self._call("GetItem", request, got)

    def put_item(self, **request: Any) -> Answer:
        """Write an item whole."""
        return self._call("PutItem", request, lambda: self._write(writes.put, request))

    def update_item(self, **request: Any) -> Answer:
        """Change an item, or make it."""
        return self._call("UpdateItem", request, lambda: self._write(writes.update, request))

    def delete_item(self, **request: Any) -> Answer:
        """Take an item away."""
        return self._call("DeleteItem", request, lambda: self._write(writes.delete, request))

    def query(self, **request: Any) -> Answer:
        """Read a page of a partition."""
        return self._call("Query", request, lambda: queries.query(self._table(request), request))

    def scan(self, **request: Any) -> Answer:
        """Read a whole table at once, for tests: no store scans."""

        def scanned() -> Answer:
            return queries.scan(self._table(request), request)

        return self._call("Scan", request, scanned)

    # --- many items ---

    def batch_get_item(self, **request: Any) -> Answer:
        """Read up to 100 items."""
        return self._call("BatchGetItem", request, lambda: self._got_many(request["RequestItems"]))

    def batch_write_item(self, **request: Any) -> Answer:
        """Put or delete up to 25 items, each for itself."""
        return self._call("BatchWriteItem", request, lambda: self._written(request["RequestItems"]))

    def transact_write_items(self, **request: Any) -> Answer:
        """Carry out up to 100 writes, all or nothing."""

        def transacted() -> Answer:
            transactions.carry_out(request["TransactItems"], self._table)
            return {}

        return self._call("TransactWriteItems", request, transacted)

    def batch_execute_statement(self, **request: Any) -> Answer:
        """Carry out up to 25 PartiQL statements, each for itself."""

        def executed() -> Answer:
            batch = request["Statements"]
            left = self.hooks.left_over("BatchExecuteStatement", len(batch))
            return {"Responses": statements.execute(batch, self._table, left_over=left)}

        return self._call("BatchExecuteStatement", request, executed)

    def close(self) -> None:
        """Do nothing: there is no connection."""

    # --- inside ---

    def _call(self, operation: str, request: Mapping[str, Any], carry_out: Callable[[], Answer]) -> Answer:
        self.hooks.before_call(operation, request)
        try:
            answer = self.hooks.instead(operation, request)
            if answer is None:
                with self._lock:
                    answer = carry_out()
        except Refusal as refusal:
            refusal.extra = copied(refusal.extra)
            raise refusal.as_client_error(operation) from None
        answer = self._answered(operation, answer)
        self.hooks.after_call(operation, request, answer)
        return answer

    def _answered(self, operation: str, answer: Answer) -> Answer:
        """Return an answer of one's own: by way of the handlers that read its JSON, if there are any."""
        handlers = self.meta.events.handlers(f"before-parse.dynamodb.{operation}")
        if handlers:
            response: Answer = {"status_code": 200, "body": json.dumps(answer, default=_as_base64).encode()}
            customized: Answer = {}
            for handler in handlers:
                handler(response_dict=response, customized_response_dict=customized)
            if customized:
                return customized
        with self._lock:
            copy: Answer = copied(answer)
        return {**copy, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}}

    def _table(self, request: Mapping[str, Any]) -> Table:
        try:
            return self._tables[request["TableName"]]
        except KeyError:
            raise no_table() from None

    def _write(self, work_out: Callable[[Table, writes.Request], writes.Write], request: Answer) -> Answer:
        write = work_out(self._table(request), request)
        write.carry_out()
        attributes = write.attributes(request.get("ReturnValues", "NONE"))
        return {"Attributes": attributes} if attributes else {}

    def _got(self, table: Table, key: Mapping[str, Any], request: Mapping[str, Any]) -> Item | None:
        names = request.get("ExpressionAttributeNames")
        paths = None
        scope = Scope(names, None)
        if "ProjectionExpression" in request:
            parsed = parsing.projection(request["ProjectionExpression"])
            scope.check([parsed])
            paths = [scope.parts(path) for path in parsed]
        elif names:
            raise invalid("ExpressionAttributeNames can only be specified when using expressions")
        item = table.get(table.key_of({name: normalised(value) for name, value in key.items()}, alone=True))
        return item if item is None or paths is None else projected(item, paths)

    def _got_many(self, requested: Mapping[str, Mapping[str, Any]]) -> Answer:
        asked = [(name, key) for name, one in requested.items() for key in one["Keys"]]
        if not asked or len(asked) > _MOST_READ:
            raise invalid("Too many items requested for the BatchGetItem call")
        done = len(asked) - self.hooks.left_over("BatchGetItem", len(asked))
        responses: dict[str, list[Item]] = {name: [] for name in requested}
        unprocessed: dict[str, Any] = {}
        seen = set()
        size = 0
        for place, (name, key) in enumerate(asked):
            table = self._table({"TableName": name})
            own = (name, table.key_of({part: normalised(value) for part, value in key.items()}, alone=True))
            if own in seen:
                raise invalid("Provided list of item keys contains duplicates")
            seen.add(own)
            if place >= done or size > _LARGEST_READ:
                rest = {option: value for option, value in requested[name].items() if option != "Keys"}
                unprocessed.setdefault(name, {**rest, "Keys": []})["Keys"].append(key)
                continue
            item = self._got(table, key, requested[name])
            if item is not None:
                size += table.items[own[1]].size
                responses[name].append(item)
        return {"Responses": responses, "UnprocessedKeys": unprocessed}

    def _written(self, requested: Mapping[str, Sequence[Mapping[str, Any]]]) -> Answer:
        asked = [(name, one) for name, ones in requested.items() for one in ones]
        if not asked or len(asked) > _MOST_WRITTEN:
            raise invalid("Too many items requested for the BatchWriteItem call")
        done = len(asked) - self.hooks.left_over("BatchWriteItem", len(asked))
        worked_out: list[writes.Write] = []
        for name, one in asked:
            table = self._table({"TableName": name})
            if "PutRequest" in one:
                worked_out.append(writes.put(table, one["PutRequest"]))
            else:
                worked_out.append(writes.delete(table, one["DeleteRequest"]))
        if len({(write.table.name, write.key) for write in worked_out}) != len(worked_out):
            raise invalid("Provided list of item keys contains duplicates")
        for write in worked_out[:done]:
            write.carry_out()
        unprocessed: dict[str, list[Any]] = {}
        for name, one in asked[done:]:
            unprocessed.setdefault(name, []).append(one)
        return {"UnprocessedItems": unprocessed}


def _as_base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no JSON")
