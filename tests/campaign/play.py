"""One play of a story: its steps, then rest, and what must hold."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.campaign.app import App
from tests.campaign.changes import Changes
from tests.campaign.checks import RATED_WITHIN, Checks
from tests.campaign.customers import Customers
from tests.campaign.faults import KINDS, Fault
from tests.campaign.schedules import SCHEDULES
from tests.campaign.story import Step, Story
from tests.campaign.world import World
from tests.lives import window_keys

BEGIN = datetime(2026, 1, 12, 9, tzinfo=UTC)
REST_DAYS = 5
"""A sweep, a line's time of the day, a comparison with Odoo, and an adjustment that follows from it: a day each."""
_BEAT = timedelta(seconds=40)
_LOOKS = 3
_HOSTS = ("one.example.com", "two.example.com")


class Broken(AssertionError):
    """What must hold does not."""


class Play:
    """A play of one story in one world."""

    def __init__(self, world: World, story: Story) -> None:
        self.world = world
        self.story = story
        self.app = App(world)
        self.customers = Customers(world, story.spec)
        self.checks = Checks(world, self.app, self.customers)
        self.changes = Changes(world, self.app, self.customers, self.checks)
        self.sending: dict[str, Any] | None = None
        self.derived_keys: dict[int, str] = {}
        self.schedules = SCHEDULES
        self._faults: list[Fault] = []

    def run(self) -> None:
        """Play all steps, and the rest; raises `Broken`."""
        self.begin()
        for step in self.story.steps:
            self.step(step)
        self.rest()

    def begin(self) -> None:
        """Set up the catalogue, Odoo and endpoints, and have the subscriptions read."""
        for kind in ("metrics", "charges"):
            for code, body in self.story.spec[kind].items():
                self._operate("PUT", f"/v1/{kind}/{code}", body)
        for host in _HOSTS[: self.story.spec["endpoints"]]:
            receiver = self.world.receivers.add(host)
            made = self._operate("POST", "/v1/endpoints", {"url": f"https://{host}/hook", "events": ["*"]})
            receiver.secret = made["secret"]
            self.checks.endpoints.append(made["id"])
        self.customers.begin()
        self.checks.reprice()
        self.world.start(next(schedule for schedule in SCHEDULES if schedule.name == "full"))
        self.checks.watch()
        self.customers.terms.begin()
        self._verify()

    def _operate(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.world.call(method, path, body, quiet=True)
        if answer is None or answer.status >= 300:
            raise Broken(f"{method} {path} came to {answer}")
        return answer.body

    # --- steps ---

    def step(self, step: Step) -> None:
        """Have a step happen, and a moment pass."""
        name, *arguments = step
        of = self.changes if hasattr(self.changes, f"on_{name}") else self
        getattr(of, f"on_{name}")(*arguments)
        if name != "wait":
            self.world.happened()
            self.world.advance(_BEAT)
        self.checks.watch()
        self.world.wrong += self._unpunctual()
        self._verify()

    def _verify(self) -> None:
        if self.world.wrong:
            raise Broken("\n".join(self.world.wrong))

    def _unpunctual(self) -> list[str]:
        return [] if self.checks.is_delayed else self.checks.punctual()

    def on_push(self, customer: int, number: int, record: tuple[Any, ...]) -> None:
        body = self._body(customer, number, record)
        if body["idempotency_key"] not in self.app.books:
            self._push(body)

    def on_batch(self, records: tuple[tuple[Any, ...], ...]) -> None:
        bodies = [self._body(*record) for record in records]
        bodies = window_keys.distinct(bodies)
        self.app.batch([body for body in bodies if body["idempotency_key"] not in self.app.books])

    def on_again(self, number: int) -> None:
        known = self.app.books.get(self._key(number))
        if known is not None and not known.voided:
            self._push(dict(known.body))

    def on_correct(self, number: int, quantity: str, step: int | None) -> None:
        known = self.app.books.get(self._key(number))
        if known is None:
            return
        body = {**known.body, "quantity": quantity}
        body.pop("sequence", None)
        if step is not None:
            body["sequence"] = max(0, (known.sequence or 0) + step)
        self._push(body)

    def on_void(self, number: int) -> None:
        self.app.void(self._key(number))

    def on_wait(self, hours: float) -> None:
        """Let time pass, and see meanwhile that usage is rated in time, not only by the next sweep."""
        remaining = timedelta(hours=hours)
        for _ in range(_LOOKS):
            part = min(remaining, RATED_WITHIN + _BEAT)
            self.world.advance(part)
            remaining -= part
            self.world.wrong += self._unpunctual()
        self.world.advance(remaining)

    def on_fault(self, kind: str, parameters: Mapping[str, Any]) -> None:
        fault = KINDS[kind](self, **parameters)
        self._faults.append(fault)
        self.checks.is_delayed |= fault.delays_rating
        fault.start()

    def _push(self, body: dict[str, Any]) -> None:
        self.sending = body
        try:
            self.app.push(body)
        finally:
            self.sending = None

    def _body(self, customer: int, number: int, record: tuple[Any, ...]) -> dict[str, Any]:
        metric, hours, length, quantity, sequence, member, region = record
        start = self.world.clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)
        of = self.customers.all[customer]
        start = max(start, of.starts[0])
        body: dict[str, Any] = {
            "idempotency_key": f"k{number}",
            "subscription": of.id,
            "metric": metric,
            "period_start": start.isoformat(),
            "period_end": (start + timedelta(hours=length)).isoformat(),
            "quantity": quantity,
        }
        properties = {"region": region} if region is not None else None
        optional = {"sequence": sequence, "member": member, "properties": properties}
        body |= {name: value for name, value in optional.items() if value is not None}
        if self.story.spec["metrics"][metric].get("idempotency") == "window":
            body["idempotency_key"] = window_keys.derived(body, number)
            self.derived_keys.setdefault(number, body["idempotency_key"])
        return body

    def _key(self, number: int) -> str:
        return self.derived_keys.get(number, f"k{number}")

    # --- coming to rest ---

    def rest(self) -> None:
        """End all faults, and have the schedules bring everything to rest within its documented time."""
        for fault in self._faults:
            fault.stop()
        self._faults.clear()
        self.checks.is_delayed = False
        self.world.director.armed.clear()
        self.world.happened()
        if not self.app.settle_all():
            raise Broken(f"without any fault, {self.app.unanswered} is not answered")
        problems: list[str] = []
        for _ in range(REST_DAYS):
            self._operator()
            self.world.advance(timedelta(hours=25))
            self.checks.watch()
            problems = self.checks.at_rest()
            self._verify()
            if not problems:
                break
        else:
            raise Broken("\n".join(problems))
        self._probe()

    def _operator(self) -> None:
        """Do what the runbook says: redrive dead letters, retry failed lines, enable endpoints and replay."""
        self.world.redrive()
        for line in self.world.pages("/v1/lines?state=failed"):
            answer = self.world.call("POST", f"/v1/lines/{line['id']}/retry", quiet=True)
            if answer is None or answer.status not in (200, 202, 409):
                raise Broken(f"retrying {line} came to {answer}")
        states = None if "receiver_lies" in self.world.fired else ["failed"]
        for endpoint in self.checks.endpoints:
            if self.world.look(f"/v1/endpoints/{endpoint}")["state"] == "disabled":
                self._operate("PATCH", f"/v1/endpoints/{endpoint}", {"state": "enabled"})
            since: str | None = "2026-01-01T00:00:00Z"
            while since is not None:
                body = {"since": since, **({"states": states} if states else {})}
                since = self._operate("POST", f"/v1/endpoints/{endpoint}/replay", body).get("next_since")
        self.world.happened()

    def _probe(self) -> None:
        """Push once more: now that no fault is left, it is rated in time."""
        for index, customer in enumerate(self.customers.all):
            if customer.closed_at is not None:
                continue
            metric = next(iter(self.story.spec["metrics"]))
            self._push(self._body(index, 9000 + index, (metric, -1, 1, "5", None, None, None)))
            self.app.changed_at[customer.id, metric] = self.world.clock.now
        self.world.happened()
        self.world.advance(RATED_WITHIN)
        problems = self.checks.punctual()
        self._verify()
        if problems:
            raise Broken("\n".join(problems))
