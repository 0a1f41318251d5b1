"""What must hold: always, some time after a change, and once everything has come to rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.campaign import view
from tests.campaign.app import SKEW, App
from tests.campaign.customers import Amounts, Customer, Customers, Pair
from tests.campaign.world import World
from tests.lives.service import RATING, RELAY

RATED_WITHIN = timedelta(hours=3, minutes=30)
"""An hour ends, settles, is planned and rated: 66 minutes. A failed message comes again 30 minutes later, twice."""
OVERDUE = timedelta(hours=6)
"""The schedules of an idle world come up to five hours late (`schedules.LONGEST`)."""


@dataclass
class Checks:
    """What an outsider checks, and remembers in order to."""

    world: World
    app: App
    customers: Customers
    endpoints: list[str] = field(default_factory=list)
    """The IDs of endpoints, in the order of `world.receivers`."""
    versions: dict[Any, int] = field(default_factory=dict)
    frozen: dict[Any, tuple[int, str]] = field(default_factory=dict)
    seen_rated: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """The last change of usage that was looked for in the ratings."""
    is_delayed: bool = False
    """Whether something keeps the service from rating in time."""
    repriced_at: datetime = field(init=False)
    """When a price changed last."""

    def __post_init__(self) -> None:
        """Begin."""
        self.repriced_at = self.world.clock.now

    # --- always ---

    def watch(self) -> None:
        """Note the versions of ratings: they never go back, and what is frozen stays as it is."""
        for customer in self.customers.all:
            answer = self.world.call("GET", f"/v1/subscriptions/{customer.id}", quiet=True)
            if answer is None or answer.status != 200:
                continue  # not yet read
            self._note(("subscription", customer.id), answer.body["version"])
            self._observe(customer, answer.body)
            for rating in view.ratings(self.world, customer.id):
                key = rating["period_start"], *view.about(rating)
                self._note(key, rating["version"])
                now = rating["version"], rating["amount"]
                if self.frozen.get(key, now) != now:
                    self.world.wrong.append(f"a frozen rating changed: {key} was {self.frozen[key]}, is {now}")
                if rating["frozen"]:
                    self.frozen[key] = now

    def _observe(self, customer: Customer, shown: Mapping[str, Any]) -> None:
        """Note the plans of a subscription, and whether it had the time to be rated by them."""
        plans = tuple((_instant(each["from"]), each["plan"]) for each in shown["plan_history"])
        self.customers.terms.planned(customer.id, plans)
        self.customers.opened(customer, datetime.fromisoformat(shown["open_period"]["start"]))
        changed = max(self.world.last_fault_at, self.repriced_at, customer.changed_at or self.repriced_at)
        if self.world.clock.now >= changed + RATED_WITHIN and not (self.is_delayed or self.world.dead_letters):
            self.customers.terms.settled(customer.id)
            if plans[-1][1] != customer.plans[-1][1]:
                self.world.wrong.append(
                    f"{customer.id} has the plan {plans[-1][1]} for hours, not {customer.plans[-1]}"
                )

    def reprice(self) -> None:
        """Note the prices, as the API shows them, and that they changed now."""
        spec = self.customers.spec["charges"]
        self.customers.terms.priced({code: self.world.look(f"/v1/charges/{code}")["versions"] for code in spec})
        self.repriced_at = self.world.clock.now

    def _note(self, key: Any, version: int) -> None:
        if version < self.versions.get(key, 0):
            self.world.wrong.append(f"the version of {key} went from {self.versions[key]} back to {version}")
        self.versions[key] = version

    # --- some time after a change ---

    def punctual(self) -> list[str]:
        """Return which open periods are not rated although their usage has not changed for a while."""
        now, quiet_since = self.world.clock.now, self.world.last_fault_at
        found = []
        for customer in self.customers.all:
            if customer.closed_at is not None:
                continue  # it has no period that goes on
            opened, end = customer.periods(self.customers.zone)[-1]
            late = [
                metric
                for (subscription, metric), changed in self.app.changed_at.items()
                if subscription == customer.id
                and max(changed, quiet_since, customer.changed_at or changed) + RATED_WITHIN <= now
                and self.seen_rated.get((subscription, metric)) != changed
                and any(opened <= record.start < end for record in self.app.records(customer.id, metric))
            ]
            if not late or any(self.app.unanswered):
                continue
            self._observe(customer, self.world.look(f"/v1/subscriptions/{customer.id}"))
            expected = self.customers.expected(self.app, customer.id)
            shown = {
                view.about(rating): Fraction(rating["amount"])
                for rating in view.ratings(self.world, customer.id)
                if not rating.get("corrects")
            }
            for code, charge in self.customers.spec["charges"].items():
                pair = customer.id, code, opened
                if charge["metric"] not in late:
                    continue
                self.seen_rated[customer.id, charge["metric"]] = self.app.changed_at[customer.id, charge["metric"]]
                if shown.get(pair, 0) not in expected[pair]:
                    comes_to = view.in_words(expected[pair])
                    found.append(f"{pair} is rated {shown.get(pair)} for hours: records come to {comes_to}")
        return found

    # --- at rest ---

    def at_rest(self) -> list[str]:
        """Return what does not hold; nothing if all of it does."""
        wrong = [f"{error}" for customer in self.customers.all for error in self._end(customer)]
        expected = self.customers.expected(self.app)
        odoo, of_lines = view.lines(self.world)
        wrong += of_lines
        in_odoo = view.totals([(line.pair, line.invoiced + line.open) for line in odoo])
        wrong += view.differences("Odoo's lines and invoices", expected, in_odoo)
        wrong += self._rated(expected, odoo)
        wrong += self._stuck()
        wrong += self._events()
        return wrong

    def _end(self, customer: Customer) -> list[str]:
        """Learn where a closed subscription ends: a push is refused from then on. Return what is wrong with it."""
        wrong = self._plans(customer)
        if customer.closed_at is None:
            return wrong
        metric = next(iter(self.customers.spec["metrics"]))
        since = self.world.clock.now.replace(microsecond=0).isoformat()
        body = {"subscription": customer.id, "metric": metric, "quantity": "1", "period_start": since}
        until = (self.world.clock.now.replace(microsecond=0) + timedelta(hours=1)).isoformat()
        answer = self.world.push({**body, "idempotency_key": "late", "period_end": until}, quiet=True)
        ends = _instant(None if answer is None else answer.body.get("ended_at"))
        if answer is None or ends is None:
            return [*wrong, f"{customer.id} is closed, and usage of it comes to {answer}"]
        if ends < self.app.ends_at[customer.id] - SKEW or ends > customer.closed_at + timedelta(days=1):
            wrong.append(f"{customer.id}, closed at {customer.closed_at}, ends at {ends}")
        customer.ends = ends
        return wrong

    def _plans(self, customer: Customer) -> list[str]:
        """Return plans of a subscription that are in force without that somebody had chosen them."""
        first, *others = self.customers.terms.current.plans[customer.id]
        wrong = [] if first == customer.plans[0] else [f"the first plan of {customer.id} is {first}"]
        for since, plan in others:
            chosen = [at for at, name in customer.plans if name == plan]
            if not any(at is None or (since is not None and at <= since + SKEW) for at in chosen):
                wrong.append(f"{customer.id} has the plan {plan} since {since}: chosen at {chosen}")
        return wrong

    def _rated(self, expected: dict[Pair, Amounts], odoo: list[view.OdooLine]) -> list[str]:
        """Return where what closed periods billed and open ratings come to is not what all records come to."""
        wrong: list[str] = []
        opened_at = {customer.id: customer.starts[-1] for customer in self.customers.all}
        amounts = [(line.pair, line.invoiced + line.open) for line in odoo if line.billed_in < opened_at[line.pair[0]]]
        for customer in self.customers.all:
            opened = customer.starts[-1]
            for rating in view.ratings(self.world, customer.id):
                start = datetime.fromisoformat(rating["period_start"])
                if start > opened:
                    continue  # upcoming: rated when it opens
                if rating["frozen"] != (start < opened):
                    wrong.append(f"{view.about(rating)}, billed in {start}, is frozen: {rating['frozen']}")
                if not rating["frozen"]:
                    amounts.append((view.about(rating), Fraction(rating["amount"])))
        return wrong + view.differences("ratings", expected, view.totals(amounts))

    def _stuck(self) -> list[str]:
        now = self.world.clock.now
        wrong = [f"dead letters: {self.world.dead_letters}"] if self.world.dead_letters else []
        for queue in (RATING, RELAY):
            old = [m.body for m in self.world.sqs.waiting(queue) if m.visible_at < now.timestamp() - 3600]
            wrong += [f"messages are not received: {old}"] if old else []
        for state in ("failed", "changed"):
            found = self.world.pages(f"/v1/lines?state={state}")
            wrong += [f"lines are {state}: {found}"] if found else []
        for line in self.world.pages("/v1/lines?state=due"):
            if datetime.fromisoformat(line["due_at"]) < now - OVERDUE:
                wrong.append(f"a line is overdue: {line}")
        return wrong

    # --- events ---

    def _events(self) -> list[str]:
        wrong: list[str] = []
        for endpoint, receiver in zip(self.endpoints, self.world.receivers.by_host.values(), strict=True):
            bodies: dict[str, bytes] = {}
            wrong += [
                f"{arrival.id} was sent with two bodies"
                for arrival in receiver.arrivals
                if bodies.setdefault(arrival.id, arrival.body) != arrival.body
            ]
            if receiver.unsigned:
                wrong.append(f"{receiver.unsigned} messages had no signature that holds")
            for delivery in self.world.pages(f"/v1/endpoints/{endpoint}/deliveries"):
                if delivery["event"] not in bodies:
                    wrong.append(f"an event did not arrive: {delivery}")
                elif delivery["state"] != "delivered":
                    wrong.append(f"a delivery is {delivery['state']}: {delivery}")
            events = {arrival.id: arrival.event for arrival in receiver.arrivals}
            wrong += self._sequences(events)
            wrong += self._latest(events)
        return wrong

    def _sequences(self, events: dict[str, dict[str, Any]]) -> list[str]:
        """Return events that share a sequence, and versions that go back along it."""
        wrong: list[str] = []
        by_sequence: dict[Any, str] = {}
        versions: dict[Any, int] = {}
        once: dict[Any, str] = {}
        about = [event | {"id": id_} for id_, event in events.items() if "sequence" in event["data"]]
        for event in sorted(about, key=lambda event: event["data"]["sequence"]):
            data = event["data"]
            key = data["subscription"], data["sequence"]
            if key in by_sequence:
                wrong.append(f"{event['id']} and {by_sequence[key]} have the sequence {key}")
            by_sequence[key] = event["id"]
            if event["type"] == "rating.updated":
                own = data["subscription"], data["charge"], data["period_start"], data.get("corrects")
                if data["version"] <= versions.get(own, 0):
                    wrong.append(f"rating.updated of {own}: version {data['version']} after {versions[own]}")
                versions[own] = data["version"]
            if event["type"] in ("period.invoiced", "statement.closed"):
                period = event["type"], data["subscription"], data["period_start"]
                if period in once:
                    wrong.append(f"{period} was reported twice, by {event['id']} and {once[period]}")
                once[period] = event["id"]
        return wrong

    def _latest(self, events: dict[str, dict[str, Any]]) -> list[str]:
        """Return ratings whose amount no event reported, and closed periods without one."""
        reported: dict[Any, tuple[int, str]] = {}
        closed = set()
        for event in events.values():
            data = event["data"]
            if event["type"] == "rating.updated":
                own = data["subscription"], data["charge"], data["period_start"], data.get("corrects")
                reported[own] = max(reported.get(own, (0, "")), (data["version"], data["amount"]))
            elif event["type"] in ("period.invoiced", "statement.closed"):
                closed.add((event["type"], data["subscription"], datetime.fromisoformat(data["period_start"])))
        wrong = []
        for customer in self.customers.all:
            for rating in view.ratings(self.world, customer.id):
                corrects = rating["corrects"]["period_start"] if rating.get("corrects") else None
                own = rating["subscription"], rating["charge"], rating["period_start"], corrects
                last = reported.get(own, (0, "0"))[1]
                if Fraction(last) != Fraction(rating["amount"]):
                    wrong.append(f"the last rating.updated of {own} says {last}, the rating {rating['amount']}")
            for start in customer.starts[:-1]:
                wrong += [
                    f"no {type_} of {customer.id} {start}"
                    for type_ in ("period.invoiced", "statement.closed")
                    if (type_, customer.id, start) not in closed
                ]
        return wrong


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
