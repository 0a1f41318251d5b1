"""The in-memory engine answers as DynamoDB Local does: random calls to both, answers and contents compared.

`ENGINE_SEEDS=1000` plays more of them; a failure names its seed, and `ENGINE_SEED=n` plays that one alone.
"""

import os
import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_dynamodb import DynamoDBClient

from tests.memory_dynamodb import MemoryDynamoDB
from tests.memory_dynamodb.values import number_text

pytestmark = pytest.mark.integration

ONE = os.environ.get("ENGINE_SEED")
SEEDS = [int(ONE)] if ONE else range(int(os.environ.get("ENGINE_SEEDS", "40")))
STEPS = 50

DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in (("pk", "S"), ("sk", "S"), ("gp", "S"), ("gs", "S"))
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "index",
            "KeySchema": [
                {"AttributeName": "gp", "KeyType": "HASH"},
                {"AttributeName": "gs", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "l"]},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}

Call = tuple[str, dict[str, Any]]


class Calls:
    """Makes random calls; names and values are given as the expressions use them."""

    def __init__(self, random: Random, table: str) -> None:
        self.random = random
        self.table = table
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def next(self) -> Call:
        """Return a call."""
        often = [self.put, self.update, self.update, self.update, self.query, self.query, self.get]
        others = [self.delete, self.transaction, self.statements, self.batch_get, self.batch_write]
        return self.random.choice([*often, *others])()

    # --- what they are about ---

    def key(self) -> dict[str, Any]:
        if self.random.random() < 0.02:
            return self.random.choice(
                [
                    {"pk": {"S": "x"}},
                    {"pk": {"S": ""}, "sk": {"S": "a"}},
                    {"pk": {"N": "1"}, "sk": {"S": "a"}},
                ]
            )
        return {"pk": {"S": self.random.choice("pq")}, "sk": {"S": self.random.choice("abcd")}}

    def scalar(self) -> Any:
        return self.random.choice(
            [
                {"S": self.random.choice(["", "x", "xy", "é", "z#1"])},
                {
                    "N": self.random.choice(
                        ["0", "1", "-2.50", "10", "1e2", "0.1", "3", "99999999999999999999999999999999999999"]
                    )
                },
                {"BOOL": self.random.random() < 0.5},
                {"NULL": True},
                {"B": b"ab"},
            ]
        )

    def value(self) -> Any:
        chosen = self.random.random()
        if chosen < 0.6:
            return self.scalar()
        if chosen < 0.75:
            return {"L": [self.scalar() for _ in range(self.random.randrange(4))]}
        if chosen < 0.85:
            return {"M": {name: self.scalar() for name in self.random.sample("xyz", self.random.randrange(3))}}
        if chosen < 0.95:
            return {"SS": self.random.sample(["r", "s", "t"], self.random.randrange(1, 4))}
        return self.random.choice([{"NS": ["1", "2.0"]}, {"SS": []}, {"N": "1e200"}, {"N": "nan"}, {"SS": ["r", "r"]}])

    def item(self) -> dict[str, Any]:
        item = self.key()
        for name in self.random.sample("abclms", self.random.randrange(4)):
            item[name] = (
                {"l": {"L": [self.scalar()]}, "m": {"M": {"x": self.scalar()}}, "s": {"SS": ["r", "s"]}}.get(name)
                if self.random.random() < 0.7 and name in "lms"
                else self.value()
            )
        if self.random.random() < 0.6:
            item["gp"] = {"S": self.random.choice("gh")}
            item["gs"] = {"S": f"{self.random.randrange(10_000):04d}"}  # of equal ones no order is promised
        if self.random.random() < 0.03:
            item["gs"] = self.random.choice([{"N": "1"}, {"S": ""}])
        return item

    # --- expressions ---

    def given(self, value: Any) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name

    def path(self) -> str:
        path = self.random.choice(
            ["a", "a", "b", "c", "l", "m", "s", "l[0]", "l[1]", "m.x", "m.y", "gp", "gs", "nil", "#n", "m.#n"]
        )
        if "#n" in path:
            self.names["#n"] = "x" if "." in path else self.random.choice(["a", "size", "b", "status"])
        return path

    def operand(self) -> str:
        chosen = self.random.random()
        if chosen < 0.5:
            return self.path()
        return self.given(self.scalar()) if chosen < 0.9 else f"size({self.path()})"

    def condition(self, depth: int = 0) -> str:
        chosen = self.random.random()
        if depth < 2 and chosen < 0.35:
            joined = self.random.choice(["AND", "OR"]).join(
                [f" ({self.condition(depth + 1)}) ", f" ({self.condition(depth + 1)}) "]
            )
            return joined if self.random.random() < 0.8 else f"NOT ({joined})"
        if chosen < 0.5:
            function = self.random.choice(["attribute_exists", "attribute_not_exists"])
            return f"{function}({self.random.choice([self.path(), 'pk'])})"
        if chosen < 0.58:
            return f"begins_with({self.path()}, {self.given(self.random.choice([{'S': 'x'}, {'N': '1'}]))})"
        if chosen < 0.68:
            return f"contains({self.path()}, {self.given(self.scalar())})"
        if chosen < 0.75:
            return f"{self.operand()} BETWEEN {self.given({'N': '0'})} AND {self.given({'N': '5'})}"
        if chosen < 0.8:
            return f"{self.operand()} IN ({self.given(self.scalar())}, {self.given(self.scalar())})"
        operator = self.random.choice(["=", "=", "<>", "<>", "<", "<=", ">", ">="])
        return f"{self.path()} {operator} {self.operand()}"

    def set_operand(self) -> str:
        chosen = self.random.random()
        if chosen < 0.55:
            return self.given(self.value())
        if chosen < 0.7:
            return f"if_not_exists({self.path()}, {self.given({'N': '0'})}) + {self.given({'N': '1'})}"
        if chosen < 0.85:
            added = self.given({"L": [self.scalar()]})
            return f"list_append(if_not_exists(l, {self.given({'L': []})}), {added})"
        if chosen < 0.93:
            return f"{self.path()} - {self.given({'N': '1.5'})}"
        return self.path()

    def update_expression(self) -> str:
        sections = []
        if self.random.random() < 0.8:
            sets = [f"{self.path()} = {self.set_operand()}" for _ in range(self.random.randrange(1, 3))]
            sections.append("SET " + ", ".join(sets))
        if self.random.random() < 0.3:
            sections.append(f"REMOVE {self.path()}")
        if self.random.random() < 0.2:
            added = self.random.choice(
                [("nil", {"N": "2"}), ("s", {"SS": ["t"]}), ("a", {"N": "1"}), ("a", {"S": "x"})]
            )
            sections.append(f"ADD {added[0]} {self.given(added[1])}")
        if self.random.random() < 0.15:
            sections.append(f"DELETE s {self.given({'SS': self.random.choice([['r'], ['r', 's', 't']])})}")
        return " ".join(sections) or "REMOVE nil"

    def conditioned(self, request: dict[str, Any], share: float = 0.5) -> dict[str, Any]:
        if self.random.random() < share:
            request["ConditionExpression"] = self.condition()
        if self.random.random() < 0.5:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return self.with_given(request)

    def with_given(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.random.random() < 0.01:
            self.given({"S": "unused"})
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        self.names, self.values = {}, {}
        return request

    # --- calls ---

    def get(self) -> Call:
        request: dict[str, Any] = {"TableName": self.table, "Key": self.key(), "ConsistentRead": True}
        if self.random.random() < 0.4:
            request["ProjectionExpression"] = f"pk, {self.path()}"
        self.values = {}
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        self.names = {}
        return "get_item", request

    def put(self) -> Call:
        request = {"TableName": self.table, "Item": self.item()}
        if self.random.random() < 0.3:
            request["ReturnValues"] = "ALL_OLD"
        return "put_item", self.conditioned(request, 0.3)

    def update(self) -> Call:
        request = {"TableName": self.table, "Key": self.key(), "UpdateExpression": self.update_expression()}
        returned = ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]
        if any(mark in request["UpdateExpression"] for mark in "[."):
            del returned[3:]  # how much of a document comes back with a part of it differs from engine to engine
        request["ReturnValues"] = self.random.choice(returned)
        return "update_item", self.conditioned(request)

    def delete(self) -> Call:
        request = {"TableName": self.table, "Key": self.key()}
        return "delete_item", self.conditioned(request, 0.4)

    def query(self) -> Call:
        request: dict[str, Any] = {"TableName": self.table}
        hashed, ranged = "pk", "sk"
        if self.random.random() < 0.5:
            request["IndexName"] = "index"
            hashed, ranged = "gp", "gs"
        else:
            request["ConsistentRead"] = True
        condition = f"{hashed} = {self.given({'S': self.random.choice('pqgh')})}"
        bound = self.random.choice(["", "=", "<=", ">", "<", ">=", "BETWEEN", "begins_with"])
        low, high = sorted(self.random.choices("abcd059", k=2))
        if bound == "BETWEEN":
            condition += f" AND {ranged} BETWEEN {self.given({'S': low})} AND {self.given({'S': high})}"
        elif bound == "begins_with":
            condition += f" AND begins_with({ranged}, {self.given({'S': low})})"
        elif bound:
            condition += f" AND {ranged} {bound} {self.given({'S': low})}"
        request["KeyConditionExpression"] = condition
        if self.random.random() < 0.2:
            request["FilterExpression"] = (
                f"attribute_exists(a) OR begins_with({self.random.choice('alb')}, {self.given({'S': 'x'})})"
            )
        if self.random.random() < 0.5:
            request["Limit"] = self.random.randrange(1, 4)
        if self.random.random() < 0.3:
            request["ScanIndexForward"] = False
        return "query", self.with_given(request)

    def transaction(self) -> Call:
        writes: list[Any] = []
        for key in self.keys()[:3]:
            kind = self.random.choice(["Put", "Update", "Delete", "ConditionCheck"])
            request: dict[str, Any] = {"TableName": self.table}
            if kind == "Put":
                request["Item"] = {**self.item(), **key}
            else:
                request["Key"] = key
            if kind == "Update":
                request["UpdateExpression"] = self.update_expression()
            writes.append({kind: self.conditioned(request, 1.0 if kind == "ConditionCheck" else 0.3)})
        return "transact_write_items", {"TransactItems": writes}

    def statements(self) -> Call:
        statements: list[dict[str, Any]] = []
        for key in self.keys():
            if self.random.random() < 0.5:
                item = {**self.item(), **key}
                members = ", ".join(f"'{name}': ?" for name in item)
                statement: dict[str, Any] = {
                    "Statement": f"INSERT INTO \"{self.table}\" VALUE {{{members}, 'rev': 1}}",
                    "Parameters": list(item.values()),
                }
            else:
                values = [self.scalar(), self.value()]
                statement = {
                    "Statement": f'UPDATE "{self.table}" SET a = ? SET b = ? REMOVE c '
                    "WHERE pk = ? AND sk = ? "
                    + self.random.choice(["", "AND nil IS MISSING", "AND rev = 1", "AND gp IS NOT MISSING"]),
                    "Parameters": [*values, key["pk"], key["sk"]],
                }
            if self.random.random() < 0.5:
                statement["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            statements.append(statement)
        return "batch_execute_statement", {"Statements": statements}

    def keys(self) -> list[dict[str, Any]]:
        all_keys = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk in "pq" for sk in "abcd"]
        return self.random.sample(all_keys, self.random.randrange(1, 5))

    def batch_get(self) -> Call:
        request: dict[str, Any] = {"Keys": self.keys(), "ConsistentRead": True}
        if self.random.random() < 0.5:
            request["ProjectionExpression"] = "pk, sk, a"
        if self.random.random() < 0.05:
            request["Keys"].append(request["Keys"][0])
        return "batch_get_item", {"RequestItems": {self.table: request}}

    def batch_write(self) -> Call:
        writes = [
            {"PutRequest": {"Item": {**self.item(), **key}}}
            if self.random.random() < 0.7
            else {"DeleteRequest": {"Key": key}}
            for key in self.keys()
        ]
        return "batch_write_item", {"RequestItems": {self.table: writes}}


def outcome(client: Any, call: Call) -> Any:
    """Return what a call answers, or the code it is refused with, in a form that can be compared."""
    operation, request = call
    try:
        answer = getattr(client, operation)(**request)
    except ClientError as error:
        response: Any = error.response
        reasons = [
            {name: value for name, value in reason.items() if name != "Message"}
            for reason in response.get("CancellationReasons", ())
        ]
        code = response["Error"]["Code"]
        if any(reason["Code"] == "ValidationError" for reason in reasons) or code == "ValidationException":
            # AWS cancels a transaction for what can't be computed; DynamoDB Local refuses some whole.
            return {"code": "ValidationException"}
        return {"code": code, "item": comparable(response.get("Item")), "reasons": comparable(reasons)}
    answer = {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "ConsumedCapacity")}
    if operation == "batch_get_item":
        for items in answer["Responses"].values():
            items.sort(key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    for response in answer.get("Responses", ()) if operation == "batch_execute_statement" else ():
        response.get("Error", {}).pop("Message", None)
    return comparable(answer)


def comparable(value: Any) -> Any:
    """Return a value, its sets in order and its numbers in one form: DynamoDB Local keeps some as given."""
    if isinstance(value, dict):
        return {name: _comparable_member(name, one) for name, one in value.items()}
    return [comparable(one) for one in value] if isinstance(value, list) else value


def _comparable_member(name: str, value: Any) -> Any:
    if name == "N" and isinstance(value, str):
        return number_text(value)
    if name == "NS":
        return sorted(number_text(one) for one in value)
    return sorted(value) if name in ("SS", "BS") else comparable(value)


def contents(client: DynamoDBClient, table: str) -> list[Any]:
    """Return all items of a table of DynamoDB Local, by key."""
    items: list[Any] = client.scan(TableName=table, ConsistentRead=True)["Items"]
    return sorted((comparable(item) for item in items), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> Iterator[str]:
    """A table of DynamoDB Local for this test alone."""
    name = f"t{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(TableName=name, **DEFINITION)
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_calls_have_the_same_results(dynamodb: DynamoDBClient, table: str, seed: int) -> None:
    memory = MemoryDynamoDB()
    memory.create_table(TableName=table, **DEFINITION)
    calls = Calls(Random(seed), table)
    for step in range(STEPS):
        call = calls.next()
        assert outcome(memory, call) == outcome(dynamodb, call), (seed, step, call)
        assert comparable(memory.contents(table)) == contents(dynamodb, table), (seed, step, call)


def test_a_scan_with_a_filter_finds_the_same_items(dynamodb: DynamoDBClient, table: str) -> None:
    memory = MemoryDynamoDB()
    memory.create_table(TableName=table, **DEFINITION)
    items: list[Any] = [
        {"pk": {"S": "p"}, "sk": {"S": "a"}, "ttl": {"N": "1"}},
        {"pk": {"S": "p"}, "sk": {"S": "b"}},
    ]
    for client in (memory, dynamodb):
        for item in items:
            client.put_item(TableName=table, Item=item)
        found: Any = client.scan(
            TableName=table, FilterExpression="attribute_exists(#ttl)", ExpressionAttributeNames={"#ttl": "ttl"}
        )
        assert (found["Items"], found["Count"], found["ScannedCount"]) == (items[:1], 1, 2)
