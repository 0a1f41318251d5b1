"""What the console's tests look at: four subscriptions, three months of usage, invoices, a failed line, webhooks.

It is played day by day against the service in memory, as an app, Odoo and the schedules would.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fusion_billing.billing.attention import FailingPair
from fusion_billing.billing.planning import hour_of
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.state.failing_pairs import FailingPairs
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.webhooks.delivery_result import DeliveryResult, EndpointResponse
from tests.lives.service import RATING, RELAY, Answer, Service

BEGIN = datetime(2026, 9, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> & Söhne"
"""A customer's name that would run a script if it were put into the page as HTML."""

METRICS = {
    "api_calls": {"name": "API calls", "unit": "call", "aggregation": "sum"},
    "storage_gb": {"name": "Storage", "unit": "GB", "aggregation": "max"},
}
_TIERS = [
    {"up_to": "5000", "unit_amount": "0.010", "flat_amount": "0"},
    {"up_to": None, "unit_amount": "0.006", "flat_amount": "0"},
]
CHARGES: dict[str, dict[str, Any]] = {
    "api_calls_pro": {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"plans": ["Pro"]},
        "currency": "EUR",
        "odoo_product_id": 7,
        "included_units": "3000",
        "model": {"type": "per_unit", "unit_amount": "0.004"},
    },
    "api_calls_scale": {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"plans": ["Scale"]},
        "currency": "USD",
        "odoo_product_id": 7,
        "included_units": "1000",
        "model": {"type": "graduated", "tiers": _TIERS},
    },
    "storage_scale": {
        "name": "Storage",
        "metric": "storage_gb",
        "applies_to": {"plans": ["Scale"]},
        "currency": "USD",
        "odoo_product_id": 8,
        "included_units": "50",
        "model": {"type": "per_unit", "unit_amount": "0.15"},
    },
}
_COMPANIES = {"Europe/Berlin": (21, 2), "America/New_York": (22, 1)}
_PLANS = {"Pro": 31, "Scale": 32}


@dataclass(frozen=True, slots=True)
class Order:
    """A subscription as it is in Odoo, and how much is used of it in a day."""

    id: int
    customer: str
    plan: str
    zone: str
    start: str
    next_invoice: str
    calls: int


ORDERS = (
    Order(4101, "Nordlicht GmbH", "Pro", "Europe/Berlin", "2026-06-01", "2026-10-01", 140),
    Order(4102, "Hudson Analytics Inc.", "Scale", "America/New_York", "2026-01-15", "2026-09-15", 310),
    Order(4103, HOSTILE, "Scale", "America/New_York", "2026-03-28", "2026-09-28", 90),
    Order(4104, "Lakeside Robotics Ltd.", "Pro", "Europe/Berlin", "2026-05-10", "2026-09-10", 160),
)


@dataclass
class World:
    """The service, and the keys that its operator, its accountant and its app hold."""

    service: Service
    admin_key: str
    keys: dict[str, str] = field(default_factory=dict)
    endpoint: str = ""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API with the operator's key; the answer must be a success."""
        answer = self.service.call(method, path, body)
        assert answer is not None
        assert answer.status < 300, (method, path, answer)
        return answer.body

    def push(self, records: list[dict[str, Any]]) -> None:
        """Push records with the app's key."""
        self.service.key = self.keys["app"]
        try:
            answer: Answer | None = self.service.push({"records": records})
        finally:
            self.service.key = self.admin_key
        assert answer is not None
        assert answer.status == 200, answer

    def drain(self) -> None:
        """Have the queues' messages done."""
        for _ in range(20):
            if not self.service.work(RATING, 1000) + self.service.work(RELAY, 1000):
                return
            self.service.clock.sleep(2)

    def rate_and_send(self) -> None:
        """Rate what changed, and send due order lines."""
        self.service.rate("plan")
        self.drain()
        self.service.relay({"job": "relay"})
        self.drain()


def build(service: Service) -> World:
    """Play three months."""
    world = World(service, service.key)
    _definitions(world)
    _odoo(world)
    _access(world)
    day = BEGIN
    while day.date() <= NOW.date():
        service.clock.now = max(service.clock.now, day)
        _day(world, day.date())
        day += timedelta(days=1)
    service.clock.now = NOW
    _troubles(world)
    return world


def _definitions(world: World) -> None:
    for code, metric in METRICS.items():
        world.call("PUT", f"/v1/metrics/{code}", metric)
    for code, charge in CHARGES.items():
        world.call("PUT", f"/v1/charges/{code}", charge)


def _odoo(world: World) -> None:
    odoo = world.service.odoo
    partners = [{"id": 100 + company, "name": zone, "tz": zone} for zone, (company, _) in _COMPANIES.items()]
    odoo.seed({"res.partner": [*partners, *({"id": order.id, "name": order.customer} for order in ORDERS)]})
    odoo.seed(
        {
            "res.company": [
                {"id": company, "name": f"Fusion {zone}", "partner_id": 100 + company, "currency_id": currency}
                for zone, (company, currency) in _COMPANIES.items()
            ],
            "account.journal": [
                {"id": company, "name": "Invoices", "code": f"I{company}", "type": "sale", "company_id": company}
                for company, _ in _COMPANIES.values()
            ],
            "sale.subscription.plan": [
                {"id": number, "name": name, "billing_period_value": 1, "billing_period_unit": "month"}
                for name, number in _PLANS.items()
            ],
        }
    )
    odoo.seed({"sale.order": [_order(order) for order in ORDERS]})
    world.service.relay({"job": "sync", "full": True})
    world.drain()


def _order(order: Order) -> dict[str, Any]:
    company, currency = _COMPANIES[order.zone]
    return {
        "id": order.id,
        "name": f"S0{order.id}",
        "partner_id": order.id,
        "user_id": 2,
        "company_id": company,
        "currency_id": currency,
        "state": "sale",
        "is_subscription": True,
        "subscription_state": "3_progress",
        "plan_id": _PLANS[order.plan],
        "start_date": order.start,
        "next_invoice_date": order.next_invoice,
    }


def _access(world: World) -> None:
    app = world.call("POST", "/v1/sources", {"name": "Nexa"})["id"]
    scopes = ["usage:write", "usage:read"]
    world.keys["app"] = world.call("POST", f"/v1/sources/{app}/keys", {"scopes": scopes})["key"]
    office = world.call("POST", "/v1/sources", {"name": "Accounting"})["id"]
    scopes = ["ratings:read", "catalog:read"]
    world.keys["accountant"] = world.call("POST", f"/v1/sources/{office}/keys", {"scopes": scopes})["key"]
    world.keys["admin"] = world.admin_key
    hook = {"url": "https://hooks.example.com/billing", "events": ["*"], "description": "The CRM"}
    world.endpoint = world.call("POST", "/v1/endpoints", hook)["id"]


def _day(world: World, today: date) -> None:
    """Push what was used yesterday; rate now and then; have Odoo invoice what is due."""
    records = [record for order in ORDERS for record in _used(order, today - timedelta(days=1))]
    if today > BEGIN.date():
        world.push(records)
    due = [order for order in ORDERS if _next_invoice(world, order) == today.isoformat()]
    if due or today.day % 6 == 0 or today == NOW.date():
        world.rate_and_send()
    for order in due:
        world.service.odoo.invoice_period(order.id)
    if due:
        world.service.relay({"job": "sync", "full": True})
        world.drain()
        world.rate_and_send()
    if today == date(2026, 11, 3):
        _late(world)
    if today == date(2026, 11, 20):
        world.service.odoo.close(4104)
        world.service.relay({"job": "sync", "full": True})
        world.rate_and_send()


def _next_invoice(world: World, order: Order) -> str:
    [stored] = world.service.odoo.read("sale.order", [["id", "=", order.id]])
    return str(stored["next_invoice_date"]) if stored["subscription_state"] == "3_progress" else ""


def _used(order: Order, day: date) -> Iterator[dict[str, Any]]:
    if order.id == 4104 and day > date(2026, 11, 18):
        return
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(order.zone))
    window = {"period_start": start.isoformat(), "period_end": (start + timedelta(days=1)).isoformat()}
    common = {"subscription": str(order.id), "sequence": 1, **window}
    for region, share in (("eu", 3), ("us", 1)):
        quantity = order.calls * share // 4 + (day.toordinal() * 7 + share) % 30
        yield {
            **common,
            "idempotency_key": f"nexa:{order.id}:api_calls:{day}:{region}",
            "metric": "api_calls",
            "quantity": str(quantity),
            "properties": {"region": region},
        }
    if order.plan == "Scale":
        stored = 60 + (day.toordinal() % 31) / 4
        key = f"nexa:{order.id}:storage_gb:{day}"
        yield {**common, "idempotency_key": key, "metric": "storage_gb", "quantity": str(stored)}


def _late(world: World) -> None:
    """Correct a record of an invoiced period, void another, and push one that was forgotten."""
    [first, second] = list(_used(ORDERS[0], date(2026, 10, 20)))
    world.push([{**first, "quantity": "950", "sequence": 2}])
    world.push([{**second, "idempotency_key": "nexa:4101:api_calls:forgotten", "quantity": "410"}])
    path = f"/v1/usage/nexa:4101:api_calls:2026-10-21:us?source={_app(world)}"
    world.call("DELETE", path, {"reason": "Counted twice by the load balancer"})


def _app(world: World) -> str:
    return next(str(source["id"]) for source in world.call("GET", "/v1/sources")["items"] if source["name"] == "Nexa")


def _troubles(world: World) -> None:
    """Have an order line and a delivery fail, and another delivered."""
    service = world.service
    client: Any = service.dynamodb
    lines = LineStore(client, service.tables.ratings)
    rating = world.call("GET", "/v1/subscriptions/4102/ratings")["items"][0]
    start = datetime.fromisoformat(rating["period_start"])
    line = lines.get(RatingKey("4102", start, rating["charge"]))
    lines.fail(line, "order_locked", "The order S04102 is locked: unlock it in Odoo", NOW)
    unpriced = FailingPair("4103", "api_calls", "charge api_calls_scale is in USD, the subscription in EUR")
    FailingPairs(client, service.tables.state).note([unpriced], hour_of(NOW), is_capped=False)
    deliveries = DeliveryStore(client, service.tables.webhooks)
    due = deliveries.due(world.endpoint, NOW, limit=6)
    for number, found in enumerate(due):
        claimed = deliveries.claim(found, token="t", until=NOW + timedelta(minutes=1))
        assert claimed is not None
        if number % 3 == 0:
            answered = EndpointResponse(500, excerpt="Internal error <script>", milliseconds=84)
            result = DeliveryResult("failed", error="all 1 attempts failed")
        else:
            answered, result = EndpointResponse(200, excerpt="ok", milliseconds=31), DeliveryResult("delivered")
        deliveries.finish(claimed, token="t", response=answered, result=result, now=NOW)
