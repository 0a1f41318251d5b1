"""A limited source takes no name that every subscription shares: an ID, an order or an alias."""

from typing import Any

import pytest

from tests.integration.admin.isolated_world import LIMITS, Limit, TwoParties, two_parties
from tests.integration.admin.world import SUBSCRIPTION

__all__ = ["two_parties"]

pytestmark = pytest.mark.integration

BY_SUBSCRIPTION = [limit for limit in LIMITS if limit.name in {"subscription", "plan"}]
WRITE = ("catalog:read", "catalog:write")
DRY_RUN: tuple[dict[str, str], ...] = ({}, {"dry_run": "true"})


def chain(*orders: int) -> list[dict[str, Any]]:
    return [{"odoo_order_id": order, "from": f"2026-{month:02}-01"} for month, order in enumerate(orders, 1)]


@pytest.mark.parametrize("limit", BY_SUBSCRIPTION, ids=lambda limit: limit.name)
@pytest.mark.parametrize("query", DRY_RUN, ids=["write", "dry run"])
@pytest.mark.parametrize(
    "change",
    [
        {"aliases": ["ours-alias", "theirs"]},
        {"aliases": ["ours-alias", "theirs-alias"]},
        {"aliases": ["ours-alias", "9001"]},
        {"aliases": ["ours-alias", "nobody"]},
        {"odoo_order_id": 9001},
        {"odoo_order_id": 7},
        {"orders": chain(8001, 9001)},
        {"orders": chain(8001, 7)},
    ],
    ids=str,
)
def test_a_limited_source_adds_no_order_and_no_alias(
    two_parties: TwoParties, limit: Limit, query: dict[str, str], change: dict[str, Any]
) -> None:
    key = two_parties.limited_key(limit, WRITE)
    answers = [two_parties.admin.patch("/v1/subscriptions/ours", change, key=key, query=query)]
    whole = {**SUBSCRIPTION, "odoo_order_id": 8001, "plan": "Silver", **change}
    answers.append(two_parties.admin.put("/v1/subscriptions/ours", whole, key=key, query=query))
    assert {(answer.status, answer.code) for answer in answers} == {(403, "limited_source")}
    assert len({answer.json["detail"] for answer in answers}) == 1


@pytest.mark.parametrize("limit", BY_SUBSCRIPTION, ids=lambda limit: limit.name)
def test_a_limited_source_keeps_and_removes_the_names_of_its_subscription(
    two_parties: TwoParties, limit: Limit
) -> None:
    key = two_parties.limited_key(limit, WRITE)
    shown = two_parties.admin.get("/v1/subscriptions/ours", key=key).json
    same = {"aliases": shown["aliases"], "orders": shown["orders"], "odoo_order_id": 8001, "name": "Renamed"}
    assert two_parties.admin.patch("/v1/subscriptions/ours-alias", same, key=key).status == 200
    assert two_parties.admin.patch("/v1/subscriptions/ours", {"aliases": None}, key=key).status == 200


def test_a_source_limited_to_plans_can_t_tell_which_subscriptions_exist(two_parties: TwoParties) -> None:
    key = two_parties.limited_key(BY_SUBSCRIPTION[1], WRITE)
    body = {**SUBSCRIPTION, "odoo_order_id": 7, "plan": "Silver"}
    for query in DRY_RUN:
        for name in ("theirs", "theirs-alias", "9001", "nobody", "7"):
            answer = two_parties.admin.put(f"/v1/subscriptions/{name}", body, key=key, query=query)
            assert (answer.status, answer.code) == (404, "not_found"), name


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_charge_that_a_limited_source_does_not_see_is_not_there_to_be_deleted(
    two_parties: TwoParties, limit: Limit
) -> None:
    key = two_parties.limited_key(limit, WRITE)
    hidden = limit.names["charge"]
    answers = [two_parties.admin.delete(f"/v1/charges/{code}", key=key) for code in (hidden, "nobody")]
    assert [(answer.status, answer.code) for answer in answers] == [(404, "not_found")] * 2
    assert two_parties.admin.get(f"/v1/charges/{hidden}").status == 200


@pytest.mark.parametrize("change", [{"aliases": ["theirs"]}, {"aliases": ["theirs-alias"]}, {"aliases": ["9001"]}])
def test_a_dry_run_refuses_an_alias_that_is_taken(two_parties: TwoParties, change: dict[str, Any]) -> None:
    answers = [two_parties.admin.patch("/v1/subscriptions/ours", change, query=query) for query in DRY_RUN]
    assert [(answer.status, answer.code) for answer in answers] == [(409, "alias_taken")] * 2


def test_a_dry_run_refuses_a_chain_with_an_order_that_is_taken(two_parties: TwoParties) -> None:
    change = {"orders": chain(8001, 9001)}
    answers = [two_parties.admin.patch("/v1/subscriptions/ours", change, query=query) for query in DRY_RUN]
    assert [(answer.status, answer.code) for answer in answers] == [(409, "order_taken")] * 2
