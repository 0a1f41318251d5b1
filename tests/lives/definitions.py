"""Random metrics and charges, as the API takes them."""

from random import Random
from typing import Any

from tests.lives.odoo import PRODUCTS

PLANS = ("Pro", "Basic")
REGIONS = ("eu", "us")
AGGREGATIONS = ("sum", "sum", "count", "max", "min", "last", "average", "unique_count")
ADDS_UP = ("sum", "count", "time_weighted")

Body = dict[str, Any]


def metric(random: Random, aggregation: str) -> Body:
    """Return a metric's body."""
    body: Body = {"name": "Units", "unit": "unit", "aggregation": aggregation}
    if random.random() < 0.15:
        body["rounding"] = {"mode": random.choice(["up", "down", "half_up"]), "digits": random.randrange(2)}
    return body


def charge(random: Random, code: str, aggregation: str) -> Body:
    """Return a charge's body on a metric."""
    body: Body = {
        "name": "Overage",
        "metric": code,
        "applies_to": random.choice([{"all": True}, {"all": True}, {"plans": ["Pro"]}, {"plans": list(PLANS)}]),
        "currency": "USD",
        "odoo_product_id": random.choice(PRODUCTS),
        **price(random, aggregation),
    }
    return body


def price(random: Random, aggregation: str) -> Body:
    """Return what of a charge is its price."""
    body: Body = {"model": model(random, aggregation)}
    is_percentage = body["model"]["type"] == "percentage"
    if random.random() < 0.5 and not is_percentage:
        body["included_units"] = random.choice(["1", "10", "2.5", "40"])
    if random.random() < 0.25:
        body["minimum_amount"] = random.choice(["1.00", "5", "12.5"])
    if random.random() < 0.15:
        body["maximum_amount"] = random.choice(["13", "30"])
    if random.random() < 0.15 and not is_percentage:
        operation = random.choice(["multiply", "divide"])
        rounding = random.choice(["none", "up", "half_up"])
        body["unit_conversion"] = {
            "operation": operation,
            "factor": random.choice(["3", "0.7"]),
            "rounding": rounding,
        }
    if random.random() < 0.15 and not is_percentage:
        other = model(random, aggregation)
        if other["type"] != "percentage":
            body["filters"] = [{"properties": {"region": ["eu"]}, "model": other, "included_units": "3"}]
    if random.random() < 0.15:
        body["group_by"] = ["region"]
    if random.random() < 0.2:
        body["prorate"] = True
    return body


def model(random: Random, aggregation: str) -> Body:
    """Return a charge model."""
    unit = random.choice(["0.1", "0.004", "1", "2.35"])
    kinds = ["per_unit", "per_unit", "graduated", "volume", "package", "flat"]
    if aggregation in ("sum", "count"):
        kinds.append("percentage")
    kind = random.choice(kinds)
    if kind == "per_unit":
        return {"type": kind, "unit_amount": unit}
    if kind == "package":
        size = random.choice(["3", "10"])
        return {
            "type": kind,
            "package_size": size,
            "package_amount": unit,
            "rounding": random.choice(["up", "down"]),
        }
    if kind == "flat":
        return {"type": kind, "amount": random.choice(["5", "9.99"])}
    if kind == "percentage":
        body = {"type": kind, "rate_percent": random.choice(["2.5", "10"])}
        return body | ({"fixed_amount": "0.3"} if random.random() < 0.5 else {})
    first = {"up_to": random.choice(["5", "20"]), "unit_amount": unit}
    last = {"up_to": None, "unit_amount": random.choice(["0.05", "0.5"])}
    if random.random() < 0.4:
        first["flat_amount"] = "2"
    if random.random() < 0.3:
        last["flat_amount"] = "1.5"
    return {"type": kind, "tiers": [first, last]}
