"""Waiting lines follow the number of line partitions."""

from typing import TYPE_CHECKING

import pytest

from fusion_billing import repartition
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_line_reading import LineReading
from fusion_billing.dynamodb.ratings.repartitioning import Repartitioned, Repartitioning
from local.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.integration

ORDERS = range(40, 80)


def _wait(dynamodb: "DynamoDBClient", table: str, order: int, partition: str, charge: str = "calls") -> None:
    dynamodb.put_item(
        TableName=table,
        Item={
            **keys.primary(f"R#{order}#2026-11-01T00:00:00Z", charge),
            "version": {"N": "1"},
            "amount": {"S": "1"},
            "doc": {"S": f'{{"odoo_order_id": {order}}}'},
            "line_state": {"S": "due"},
            "line_pk": {"S": partition},
            "line_at": {"S": "2026-11-20T00:00:00.000000Z"},
        },
    )


def _orders_by_partition(dynamodb: "DynamoDBClient", table: str, count: int) -> dict[int, set[int]]:
    lines = LineReading(dynamodb, table)
    return {
        number: {int(line.key.subscription) for line in lines.listing(keys.due_lines_partition(number), 1000)[0]}
        for number in range(count)
    }


@pytest.mark.parametrize(("before", "after"), [(8, 3), (3, 8), (8, 1), (100, 8)])
def test_every_waiting_line_moves_to_the_partition_of_its_order(
    dynamodb: "DynamoDBClient", tables: Tables, before: int, after: int
) -> None:
    for order in ORDERS:
        _wait(dynamodb, tables.ratings, order, keys.due_lines_partition(line_partition(order, before)))
        _wait(dynamodb, tables.ratings, order, keys.invoices_partition(line_partition(order, before)), "storage")
    result = Repartitioning(dynamodb, tables.ratings).run(after)
    assert result.waiting == 2 * len(ORDERS)
    assert result.moved == 2 * sum(line_partition(o, before) != line_partition(o, after) for o in ORDERS)
    expected: dict[int, set[int]] = {number: set() for number in range(after)}
    for order in ORDERS:
        expected[line_partition(order, after)].add(order)
    assert _orders_by_partition(dynamodb, tables.ratings, after) == expected
    assert Repartitioning(dynamodb, tables.ratings).run(after) == Repartitioned(2 * len(ORDERS), 0)


def test_a_line_that_is_given_up_stays_in_its_list(dynamodb: "DynamoDBClient", tables: Tables) -> None:
    _wait(dynamodb, tables.ratings, 41, keys.FAILED_LINES_PARTITION)
    assert Repartitioning(dynamodb, tables.ratings).run(3) == Repartitioned(0, 0)


def test_the_command_says_what_it_moved(
    dynamodb: "DynamoDBClient",
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _wait(dynamodb, tables.ratings, 41, keys.due_lines_partition(99))
    monkeypatch.setattr("fusion_billing.dynamodb.client.dynamodb", lambda: dynamodb)
    monkeypatch.setenv("RATINGS_TABLE", tables.ratings)
    monkeypatch.setenv("LINE_PARTITIONS", "4")
    assert repartition.main() == 0
    assert capsys.readouterr().out == "Moved 1 of 1 waiting lines to 4 partitions\n"


@pytest.mark.parametrize("number", ["", "0", "101", "many"])
def test_the_command_refuses_a_number_of_partitions_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    monkeypatch.setenv("RATINGS_TABLE", "ratings")
    monkeypatch.setenv("LINE_PARTITIONS", number)
    assert repartition.main() == 1
    assert "LINE_PARTITIONS" in capsys.readouterr().err
