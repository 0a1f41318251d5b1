"""One life: events played against the service, and what the app and Odoo know of it meanwhile."""

import random
from calendar import monthrange
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from functions.rate.closing import REVIEWED
from fusion_billing.billing.billed_subscription import billed_subscription
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from local.odoo.errors import UserError
from tests.lives import oracle, window_keys
from tests.lives.definitions import PLANS
from tests.lives.events import Event
from tests.lives.killing import Kill
from tests.lives.service import RATING, RELAY, Service

SUBSCRIPTION, ORDER = "1", 1
BEGIN = datetime(2026, 1, 12, 9, tzinfo=UTC)
DECEMBER = 12
ACCEPTED = ("created", "updated", "unchanged", "stale")
_ROUNDS = 40
_MONEY = (
    "pk",
    "sk",
    "version",
    "amount",
    "frozen",
    "billed",
    "line_state",
    "line_amount",
    "line_intent",
    "period_lines",
)


class Broken(AssertionError):
    """What must hold does not."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A record as the app has it in its books: what it pushed last that took effect."""

    body: Mapping[str, Any]
    voided: bool = False

    @property
    def sequence(self) -> int | None:
        """Return the sequence that is stored."""
        value: int | None = self.body.get("sequence")
        return value


@dataclass
class Life:
    """The state of a life."""

    service: Service
    world: Mapping[str, Any]
    books: dict[str, Pushed] = field(default_factory=dict)
    unanswered: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    prices_at_close: dict[datetime, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    plans_at_close: dict[datetime, list[tuple[datetime | None, str]]] = field(default_factory=dict)
    order: int = ORDER
    final_invoices: list[int] = field(default_factory=list)
    derived_keys: dict[int, str] = field(default_factory=dict)
    """The key of a record by its number, where the service derives it from the window."""
    is_reopened: bool = False
    anchor: int = 0
    """The day of the month on which the periods start: the start's, where the first invoice is on it too."""

    # --- setting up ---

    def begin(self) -> None:
        """Set up the catalog and Odoo, and read the subscription."""
        for code, body in self.world["metrics"].items():
            self._must(self.service.call("PUT", f"/v1/metrics/{code}", body), 201)
        for code, body in self.world["charges"].items():
            self._must(self.service.call("PUT", f"/v1/charges/{code}", body), 201)
        if self.world.get("listens"):
            self.service.listen()
        odoo = self.service.odoo
        odoo.write("res.partner", [1], {"tz": self.world["zone"]})
        odoo.seed({"sale.subscription.plan": [{"id": n, "name": name} for n, name in enumerate(PLANS, 1)]})
        first = {"id": ORDER, "partner_id": 6, "user_id": 2, "state": "sale", "is_subscription": True}
        terms = {"subscription_state": "3_progress", "plan_id": 1, "start_date": self.world["start"]}
        following = a_month_on(self.world["start"])
        self.anchor = date.fromisoformat(self.world["start"]).day
        odoo.seed({"sale.order": [{**first, **terms, "next_invoice_date": following}]})
        self.play(("sync", True))

    def _must(self, answer: Any, *statuses: int) -> Any:
        if answer is None or answer.status not in statuses:
            raise Broken(f"answered {answer}")
        return answer.body

    # --- events ---

    def play(self, event: Event, kill: Kill | None = None) -> None:
        """Have an event happen."""
        name, *arguments = event
        getattr(self, f"on_{name}")(*arguments, kill=kill)
        if self.service.failures:
            raise Broken("; ".join(self.service.failures))

    def on_kill(self, inner: Event, call: int, after: bool, *, kill: Kill | None) -> None:
        self.play(inner, Kill(call, after))

    def on_push(self, number: int, record: tuple[Any, ...], *, kill: Kill | None) -> None:
        body = self._body(number, record)
        if body["idempotency_key"] not in self.books:
            self._send(body, kill)

    def on_batch(self, records: tuple[Any, ...], *, kill: Kill | None) -> None:
        bodies = [self._body(number, record) for number, record in records]
        known = self.books.keys() | self.unanswered.keys()
        bodies = [body for body in window_keys.distinct(bodies) if body["idempotency_key"] not in known]
        if not bodies:
            return
        answer = self.service.push({"records": bodies}, kill)
        if answer is None:
            self.unanswered |= {body["idempotency_key"]: body for body in bodies}
            return
        for body, result in zip(bodies, answer.body["results"], strict=True):
            self._note(body, result["outcome"], result.get("error", {}).get("code", ""))

    def on_again(self, number: int, *, kill: Kill | None) -> None:
        known = self.books.get(self._key(number))
        if known is not None and not known.voided:
            self._send(known.body, kill)

    def on_correct(self, number: int, quantity: str, step: int | None, *, kill: Kill | None) -> None:
        known = self.books.get(self._key(number))
        if known is None:
            return
        body = {**known.body, "quantity": quantity}
        body.pop("sequence", None)
        if step is not None:
            body["sequence"] = max(0, (known.sequence or 0) + step)
        self._send(body, kill)

    def on_void(self, number: int, *, kill: Kill | None) -> None:
        key = self._key(number)
        if key not in self.books:
            return
        self._settle_unanswered(key)
        answer = self.service.call("DELETE", f"/v1/usage/{key}", None, kill)
        while answer is None:
            answer = self.service.call("DELETE", f"/v1/usage/{key}")
        self._must(answer, 200)
        self.books[key] = replace(self.books[key], voided=True)

    def on_reprice(
        self, code: str, price: Mapping[str, Any], valid: str | None, hours: int, *, kill: Kill | None
    ) -> None:
        self.drain()
        self.note_prices()
        body = {**self._unpriced(self.world["charges"][code]), **price}
        opened = self.stored().calendar.open
        if valid == "hour":
            since = max(opened.start, self.service.clock.now.replace(minute=0, second=0, microsecond=0))
            body["valid_from"] = since.isoformat()
        elif valid == "day":
            body["valid_from"] = (opened.start + timedelta(hours=hours)).astimezone(self._zone).date().isoformat()
        elif valid == "open":
            body["valid_from"] = (opened.start + timedelta(hours=hours)).isoformat()
        elif valid == "next":
            body["valid_from"] = (opened.end + timedelta(hours=hours)).isoformat()
        answer = self.service.call("PUT", f"/v1/charges/{code}", body, kill)
        while answer is None:
            answer = self.service.call("PUT", f"/v1/charges/{code}", body)
        self._must(answer, 200)
        self.drain()

    def on_invoice(self, *, kill: Kill | None) -> None:
        state = self.in_odoo()
        if state["subscription_state"] == "3_progress":
            self.service.odoo.invoice_period(self.order)

    def on_wait(self, hours: float, *, kill: Kill | None) -> None:
        self.service.clock.sleep(hours * 3600)

    def on_plan(self, *, kill: Kill | None) -> None:
        self.service.rate("plan", kill)

    def on_sweep(self, *, kill: Kill | None) -> None:
        self.service.rate("sweep", kill)

    def on_work(self, most: int = 10, *, kill: Kill | None) -> None:
        self.service.work(RATING, most, kill, shuffle=True)

    def on_relay(self, *, kill: Kill | None) -> None:
        self.service.relay({"job": "relay"}, kill)

    def on_relay_work(self, *, kill: Kill | None) -> None:
        self.service.work(RELAY, 10, kill)

    def on_sync(self, full: bool = False, *, kill: Kill | None) -> None:
        self.service.relay({"job": "sync", **({"full": True} if full else {})}, kill)

    def on_job(self, *, kill: Kill | None) -> None:
        message = f'{{"job": "subscription", "id": "{SUBSCRIPTION}"}}'
        self.service.sqs.send_message(QueueUrl=RATING, MessageBody=message)

    def on_lose_markers(self, *, kill: Kill | None) -> None:
        table = self.service.dynamodb.table(self.service.tables.markers)
        for key in list(table.items):
            table.remove(key)

    def on_odoo_fault(self, kind: str, *, kill: Kill | None) -> None:
        self.service.odoo.fault(kind, model="sale.order.line", method="load")

    def on_restart(self, *, kill: Kill | None) -> None:
        self.service.restart()

    def on_change_plan(self, *, kill: Kill | None) -> None:
        state = self.in_odoo()
        if state["subscription_state"] in ("3_progress", "4_paused"):
            # An invoice and a change of plan seen at once could have come in either order.
            self._read_anew()
            self.service.odoo.change_plan(self.order, 3 - state["plan_id"][0])
            self._read_anew()

    def _read_anew(self) -> None:
        """Have the service see Odoo as it is, and all that follows from it."""
        self.on_sync(full=True, kill=None)
        self.drain()
        self.note_prices()

    def on_pause(self, *, kill: Kill | None) -> None:
        if self.in_odoo()["subscription_state"] == "3_progress":
            self.service.odoo.pause(self.order)

    def on_resume(self, *, kill: Kill | None) -> None:
        if self.in_odoo()["subscription_state"] == "4_paused":
            self.service.odoo.resume(self.order)

    def on_move_start(self, days: int, *, kill: Kill | None) -> None:
        """Correct the start, as long as nothing was invoiced of it."""
        state = self.in_odoo()
        if len(self.stored().calendar.known) == 1 and state["next_invoice_date"] == self._first_invoice():
            moved = date.fromisoformat(self.world["start"]) + timedelta(days=days)
            self.service.odoo.write("sale.order", [self.order], {"start_date": moved.isoformat()})
            first = date.fromisoformat(self._first_invoice())
            is_on_it = first.day == min(moved.day, monthrange(first.year, first.month)[1])
            if is_on_it and self.order == ORDER:  # a renewal's own start moves no period
                self.anchor = moved.day
            self._read_anew()  # an invoice seen with it could have come before it

    def on_move_end(self, days: int, *, kill: Kill | None) -> None:
        # An end of before the start is refused, and the subscription not read until somebody corrects it.
        end = max((self.service.clock.now + timedelta(days=days)).date().isoformat(), self.in_odoo()["start_date"])
        self.service.odoo.write("sale.order", [self.order], {"end_date": end if days < 30 else False})

    def on_close(self, *, kill: Kill | None) -> None:
        if self.in_odoo()["subscription_state"] in ("3_progress", "4_paused"):
            self.service.odoo.close(self.order)

    def on_final_invoice(self, post: bool, *, kill: Kill | None) -> None:
        """Have a person invoice what an ended subscription still owes."""
        if self.in_odoo()["subscription_state"] == "6_churn":
            self._read_anew()
            self.on_sweep(kill=None)
            self.drain()
            self.on_relay(kill=None)
            with suppress(UserError):  # nothing is to invoice
                self.final_invoices.append(self.service.odoo.invoice_order(self.order, post=post)["id"])

    def on_take_back(self, *, kill: Kill | None) -> None:
        """Delete the draft of the newest final invoice, or credit it if it is posted."""
        if self.final_invoices:
            invoice = self.final_invoices.pop()
            with suppress(UserError):  # a draft that was posted by now is no draft
                self.service.odoo.delete_invoice(invoice)
                return
            self.service.odoo.credit_invoice(invoice)

    def on_reopen(self, *, kill: Kill | None) -> None:
        if self.in_odoo()["subscription_state"] == "6_churn":
            reopened = {"subscription_state": "3_progress", "end_date": False}
            self.service.odoo.write("sale.order", [self.order], reopened)
            self.is_reopened = True

    def on_renew(self, *, kill: Kill | None) -> None:
        if self.in_odoo()["subscription_state"] == "3_progress":
            self.order = self.service.odoo.renew(self.order)["id"]

    # --- pushing ---

    def _body(self, number: int, record: tuple[Any, ...]) -> dict[str, Any]:
        metric, hours, length, quantity, sequence, member, region = record
        start = self.service.clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)
        start = max(start, self._first_instant())
        body: dict[str, Any] = {
            "idempotency_key": f"k{number}",
            "subscription": SUBSCRIPTION,
            "metric": metric,
            "period_start": start.isoformat(),
            "period_end": (start + timedelta(hours=length)).isoformat(),
            "quantity": quantity,
        }
        properties = {"region": region} if region is not None else None
        optional = {"sequence": sequence, "member": member, "properties": properties}
        body |= {name: value for name, value in optional.items() if value is not None}
        if self.world["metrics"][metric].get("idempotency") == "window":
            body["idempotency_key"] = window_keys.derived(body, number)
            self.derived_keys.setdefault(number, body["idempotency_key"])
        return body

    def _key(self, number: int) -> str:
        return self.derived_keys.get(number, f"k{number}")

    def _first_instant(self) -> datetime:
        return datetime.fromisoformat(self.world["start"]).replace(tzinfo=self._zone).astimezone(UTC)

    def _first_invoice(self) -> str:
        return a_month_on(self.world["start"])

    def _send(self, body: Mapping[str, Any], kill: Kill | None = None) -> None:
        key = body["idempotency_key"]
        self._settle_unanswered(key)
        answer = self.service.push(body, kill)
        if answer is None:
            self.unanswered[key] = body
            return
        outcome = answer.body.get("outcome") or answer.body.get("code")
        self._note(body, outcome, answer.body.get("code", ""))

    def _settle_unanswered(self, key: str) -> None:
        """Send again what was never answered, as every app does before it goes on."""
        body = self.unanswered.pop(key, None)
        if body is not None:
            answer = self.service.push(body)
            assert answer is not None
            if answer.body.get("code") in ("before_start", "subscription_ended") and self._is_outside(body):
                self._look_up(key, body)
                return
            if answer.body["outcome"] not in ACCEPTED:
                raise Broken(f"{key} was sent again and came to {answer.body}")
            if answer.body["outcome"] != "stale":
                self._keep(body)

    def _look_up(self, key: str, body: Mapping[str, Any]) -> None:
        """Note a push that is refused by now if it had taken effect before: a level reaches into the life."""
        answer = self.service.call("GET", f"/v1/usage/{key}")
        assert answer is not None
        if answer.status == 200 and Fraction(answer.body["quantity"]) == Fraction(body["quantity"]):
            self._keep(body)

    def _keep(self, body: Mapping[str, Any]) -> None:
        """Note what took effect; a push without a sequence leaves the stored one as it is."""
        known = self.books.get(body["idempotency_key"])
        kept = {} if known is None or known.sequence is None else {"sequence": known.sequence}
        self.books[body["idempotency_key"]] = Pushed({**kept, **body})

    def _note(self, body: Mapping[str, Any], outcome: str, code: str) -> None:
        key = body["idempotency_key"]
        if code in ("before_start", "subscription_ended") and self._is_outside(body):
            return  # what was stored of it before stays, and is priced at nothing
        expected = self._expected(self.books.get(key), body)
        if outcome not in expected:
            raise Broken(f"{key} came to {outcome} ({code}), not {' or '.join(expected)}: {body}")
        if outcome in ("created", "updated"):
            self._keep(body)
        elif outcome == "unchanged" and body.get("sequence") is not None:
            known = self.books[key]
            if known.sequence is None or body["sequence"] > known.sequence:
                self.books[key] = Pushed({**known.body, "sequence": body["sequence"]})

    def _is_outside(self, body: Mapping[str, Any]) -> bool:
        stored, start = self.stored(), datetime.fromisoformat(body["period_start"])
        return start < stored.starts or (stored.ends is not None and start >= stored.ends)

    def _expected(self, known: Pushed | None, body: Mapping[str, Any]) -> tuple[str, ...]:
        if known is None:
            return ("created",)
        sequence = body.get("sequence")
        is_newer = sequence is None or known.sequence is None or sequence > known.sequence
        same = Fraction(known.body["quantity"]) == Fraction(body["quantity"])
        if known.voided:
            return ("updated",) if is_newer else ("stale",)
        if same:
            return ("unchanged",) if is_newer or sequence == known.sequence else ("unchanged", "stale")
        return ("updated",) if is_newer else ("stale",)

    # --- coming to rest ---

    def drain(self) -> None:
        """Have the rating queue's messages done, delayed ones too."""
        self._drain(RATING)

    def _drain(self, *queues: str) -> None:
        for _ in range(_ROUNDS):
            following = [seconds for queue in queues if (seconds := self.service.sqs.next_at(queue))]
            if not following:
                return
            visible_at = datetime.fromtimestamp(min(following), UTC) + timedelta(seconds=1)
            self.service.clock.now = max(self.service.clock.now, visible_at)
            for queue in queues:
                self.service.work(queue, 1000)
        raise Broken(f"the queues never end: {', '.join(queues)}")

    def rest(self) -> None:
        """Have everything done: pushes answered, subscriptions read, all of it rated, lines sent."""
        for key in list(self.unanswered):
            self._settle_unanswered(key)
        self.service.odoo.clear_faults()
        self.on_resume(kill=None)  # usage of a pause is rated once the subscription goes on
        self._catch_up()
        self.service.clock.sleep(3700)
        self.on_plan(kill=None)
        quiet_rounds = 0
        for _ in range(_ROUNDS):
            self.on_sync(full=True, kill=None)
            self.drain()
            self.on_sweep(kill=None)
            self.drain()
            self.note_prices()
            before = self._ratings()
            self._drain(RATING, RELAY)
            self.service.clock.sleep(26 * 3600)  # a changed line may wait for its time of the day
            self.on_relay(kill=None)
            self._drain(RATING, RELAY)
            quiet_rounds = quiet_rounds + 1 if self._ratings() == before else 0
            if quiet_rounds > self._invoiced_periods():
                break
        else:
            raise Broken("the service never comes to rest")
        if self.service.failures:
            raise Broken("; ".join(self.service.failures))

    def _invoiced_periods(self) -> int:
        """Return how many invoiced periods sweeps review in turn, one a day."""
        return len(billed_subscription(self.stored()).invoiced(REVIEWED))

    def _catch_up(self) -> None:
        """Have Odoo invoice one that runs again until its open period closes: the rest is adjusted."""
        if not self.is_reopened:
            return
        self._read_anew()
        opened = self.stored().calendar.open
        for _ in range(_ROUNDS):
            self.on_invoice(kill=None)
            self._read_anew()
            if self.stored().calendar.open != opened or self.stored().is_over:
                return
        raise Broken("Odoo's invoices close no period")

    def _ratings(self) -> list[Any]:
        """Return what of the ratings is about money: they also note when they were looked at."""
        items = self.service.dynamodb.contents(self.service.tables.ratings)
        return [[item.get(name) for name in _MONEY] for item in items]

    def note_prices(self) -> None:
        """Remember what the catalog says when a period is first seen closed: that prices it for ever."""
        for period in self.stored().calendar.known[:-1]:
            if period.start not in self.prices_at_close:
                self.prices_at_close[period.start] = self.prices()
                self.plans_at_close[period.start] = self.plans()

    # --- what is known ---

    def prices(self) -> dict[str, list[dict[str, Any]]]:
        """Return every charge's versions, as the API shows them."""
        found = {}
        for code in self.world["charges"]:
            found[code] = self._must(self.service.call("GET", f"/v1/charges/{code}"), 200)["versions"]
        return found

    def current_usage(self, at: datetime) -> dict[str, Any]:
        """Return what is shown of the usage of the period that holds an instant, by metric."""
        instant = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/v1/subscriptions/{SUBSCRIPTION}/usage?at={instant}"
        shown = self._must(self.service.call("GET", path), 200)
        return {one["metric"]: one for one in shown["metrics"]}

    def plans(self) -> list[tuple[datetime | None, str]]:
        """Return the plans that are known to have been in force, and since when."""
        stored = self.stored()
        history = [(change.start, change.plan) for change in stored.plan_history]
        return history or [(None, stored.subscription.plan)]

    def stored(self) -> StoredSubscription:
        """Return the subscription as it is stored."""
        client: Any = self.service.dynamodb
        found = SubscriptionStore(client, self.service.tables.catalog).get(SUBSCRIPTION)
        assert found is not None
        return found

    def in_odoo(self) -> dict[str, Any]:
        """Return the order as Odoo has it."""
        [order] = self.service.odoo.read("sale.order", [["id", "=", self.order]])
        return order

    def records(self, metric: str) -> list[oracle.Record]:
        """Return what is in the app's books of a metric."""
        return [
            oracle.Record(
                f"src_life#{key}",
                datetime.fromisoformat(pushed.body["period_start"]),
                datetime.fromisoformat(pushed.body["period_end"]),
                Fraction(pushed.body["quantity"]),
                pushed.body.get("member"),
                tuple(pushed.body.get("properties", {}).items()),
            )
            for key, pushed in self.books.items()
            if pushed.body["metric"] == metric and not pushed.voided
        ]

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.world["zone"])

    @staticmethod
    def _unpriced(body: Mapping[str, Any]) -> dict[str, Any]:
        kept = ("name", "metric", "applies_to", "currency", "odoo_product_id")
        return {name: body[name] for name in kept}


def a_month_on(day: str) -> str:
    """Return the same day of the next month, or its last."""
    first = date.fromisoformat(day)
    year, month = (first.year, first.month + 1) if first.month < DECEMBER else (first.year + 1, 1)
    return date(year, month, min(first.day, monthrange(year, month)[1])).isoformat()


def seeded(seed: int) -> None:
    """Make what is random in the product the same for every play of a life."""
    random.seed(seed)
