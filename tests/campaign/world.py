"""The whole service in one process: four functions in containers, queues, schedules, Odoo, receivers, one clock.

Nothing of the product is replaced but what it calls. The world owns time and order: `advance` runs what is due,
schedules and messages alike, and a fault may run anything within any call of a running invocation.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import functions.admin.handler
import functions.ingest.handler
import functions.rate.handler
import functions.relay.delivery_dependencies
import functions.relay.handler
from local.odoo.admin import Admin
from local.odoo.engine import StandIn
from local.tables import Tables
from tests.campaign.containers import Containers
from tests.campaign.director import Director, Frame
from tests.campaign.invocations import Context, Ended
from tests.campaign.planted_bugs.base import Bug
from tests.campaign.receivers import Receivers
from tests.campaign.schedules import Schedule, Timetable
from tests.lives import odoo as lives_odoo
from tests.lives import window_keys
from tests.lives.api import api_event
from tests.lives.killing import Killed
from tests.lives.service import RATING, RELAY, Answer, Clock
from tests.memory_dynamodb import MemoryDynamoDB, MemorySQS
from tests.memory_dynamodb.queues import Message

VISIBILITY_SECONDS = 1800
MOST_INVOCATIONS = 12_000
MOST_RECEIVED = {RATING: 5, RELAY: 3}
_BATCH = {RATING: 1, RELAY: 10}
_LIMITS = {"ingest": 29.0, "admin": 29.0, "rate": 300.0, "relay": 300.0}
_FUNCTION = {RATING: "rate", RELAY: "relay"}
_HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    "ingest": functions.ingest.handler.handler,
    "admin": functions.admin.handler.handler,
    "rate": functions.rate.handler.handler,
    "relay": functions.relay.handler.handler,
}


@dataclass
class World:
    """The service and everything around it; `setting_up.world` makes one."""

    clock: Clock
    director: Director
    dynamodb: MemoryDynamoDB
    sqs: MemorySQS
    tables: Tables
    stand_in: StandIn
    odoo: Admin
    receivers: Receivers
    random: Random
    containers: Containers = field(default_factory=Containers)
    key: str = ""
    odoo_keys: list[str] = field(default_factory=lambda: [lives_odoo.KEY])
    wrong: list[str] = field(default_factory=list)
    """What must not happen, and did."""
    dead_letters: list[tuple[str, str]] = field(default_factory=list)
    fired: dict[str, int] = field(default_factory=dict)
    last_fault_at: datetime = field(init=False)
    later: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    """What happens at an instant: commits of Odoo that come late, for one."""
    short_of_time: list[float] = field(default_factory=list)
    """The time limits of the next invocations, in place of their own."""
    wrap_schedule: list[Callable[[Schedule], bool]] = field(default_factory=list)
    """What faults do to the next schedules; True: it does not run now."""
    delivered: list[Callable[[str, list[Message]], None]] = field(default_factory=list)
    """What faults do once messages were done."""
    handling: list[tuple[str, list[Message]]] = field(default_factory=list)
    """The messages in process, the innermost last."""

    def __post_init__(self) -> None:
        """Begin the schedules."""
        self.timetable = Timetable(self.clock.now)
        self.last_fault_at = self.clock.now

    # --- invocations ---

    invocations: int = 0
    planted: Bug | None = None
    """A bug of the product's, planted to see whether the campaign finds it."""
    was_disturbed: bool = False
    """Whether a fault happened to the last HTTP request."""

    def invoke(self, function: str, event: Mapping[str, Any], *, quiet: bool = False) -> Ended:
        """Run a function in one of its containers; a killed one takes its container with it."""
        self.invocations += 1
        if self.invocations > MOST_INVOCATIONS:
            raise AssertionError("it never ends: functions are invoked again and again")
        container = self.containers.take(function)
        frame = Frame(container, self.clock.now, _LIMITS[function], quiet)
        if self.short_of_time and not quiet:
            frame.limit = min(frame.limit, self.short_of_time.pop(0))
            frame.is_disturbed = True
        response, error = None, None
        with self.director.running(frame):
            try:
                response = _HANDLERS[function](dict(event), Context(frame, self.clock))
            except Killed:
                pass
            except Exception as raised:  # noqa: BLE001  Lambda's runtime reports it
                error = raised
        if frame.is_dead:
            response = None
        else:
            self.containers.give_back(container)
        if self.planted is not None and response is not None:
            response = self.planted.response(function, response)
        return Ended(response, error, frame)

    def fire(self, kind: str) -> None:
        """Count a fault that happened, and note which invocation it happened to."""
        self.fired[kind] = self.fired.get(kind, 0) + 1
        self.last_fault_at = self.clock.now
        for frame in self.director.frames:
            frame.is_disturbed = True

    # --- HTTP ---

    def push(self, body: Mapping[str, Any], *, quiet: bool = False) -> Answer | None:
        """Push usage; None if there was no response."""
        answer = self._http("ingest", "POST", "/v1/usage", window_keys.as_sent(body), quiet=quiet)
        if answer is not None and answer.status < 400:
            self.wrong += window_keys.wrong_keys(body, answer.body)
        return answer

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, quiet: bool = False
    ) -> Answer | None:
        """Call the admin function; None if there was no response."""
        return self._http("admin", method, path, body, quiet=quiet)

    def look(self, path: str) -> Any:
        """Return what the API shows; no fault meets this call."""
        answer = self.call("GET", path, quiet=True)
        if answer is None or answer.status != 200:
            raise AssertionError(f"GET {path} came to {answer}")
        return answer.body

    def pages(self, path: str) -> list[dict[str, Any]]:
        """Return all items of a list of the API."""
        items: list[dict[str, Any]] = []
        joint, cursor = "&" if "?" in path else "?", ""
        while True:
            page = self.look(f"{path}{joint}limit=100{cursor}")
            items += page["items"]
            if not page.get("cursor"):
                return items
            cursor = f"&cursor={page['cursor']}"

    def _http(
        self, function: str, method: str, path: str, body: Mapping[str, Any] | None, *, quiet: bool
    ) -> Answer | None:
        ended = self.invoke(function, api_event(method, path, body, key=self.key, now=self.clock.now), quiet=quiet)
        self.was_disturbed = ended.frame.is_disturbed
        if ended.error is not None:
            self.wrong.append(f"{method} {path} raised {type(ended.error).__name__}: {ended.error}")
        if ended.was_killed or ended.error is not None:
            return None
        text = ended.response.get("body") or ""
        if ended.response.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        answer = Answer(int(ended.response["statusCode"]), json.loads(text) if text else None)
        if answer.status >= 500 and (answer.status != 503 or not ended.frame.is_disturbed):
            self.wrong.append(f"{method} {path} came to {answer.status}: {text}")
        return answer

    # --- time ---

    def happened(self) -> None:
        """Bring the schedules back to their own times."""
        self.timetable.happened(self.clock.now)

    def advance(self, time_span: timedelta) -> None:
        """Let time pass, and run all that is due meanwhile, in the order in which it is due."""
        until = self.clock.now + time_span
        while True:
            at, run = self._next()
            if at > until:
                self.clock.now = max(self.clock.now, until)
                return
            self.clock.now = max(self.clock.now, at)
            run()

    def _next(self) -> tuple[datetime, Callable[[], Any]]:
        at, schedule = self.timetable.due()
        options: list[tuple[datetime, int, Callable[[], Any]]] = [(at, 2, partial(self.run_schedule, schedule))]
        for queue in (RATING, RELAY):
            seconds = self.sqs.next_at(queue)
            if seconds is not None:
                visible_at = datetime.fromtimestamp(seconds, at.tzinfo) + timedelta(microseconds=2)  # floats round
                options.append((visible_at, 1, partial(self.deliver, queue)))
        for index, (moment, happen) in enumerate(self.later):
            options.append((moment, 0, partial(self._happen_later, index, happen)))
        return min(((at, run) for at, _, run in sorted(options, key=lambda option: option[:2])), key=lambda o: o[0])

    def _happen_later(self, index: int, happen: Callable[[], None]) -> None:
        del self.later[index]
        happen()
        self.happened()

    # --- schedules ---

    def run_schedule(self, schedule: Schedule) -> None:
        """Run a schedule at its time, unless a fault has it otherwise."""
        effects = self.director.effects
        is_missed = any(wrap(schedule) for wrap in list(self.wrap_schedule))
        if not is_missed:
            self.start(schedule)
        was_idle = self.director.effects == effects
        # A missed run found nothing out, so the next one comes at its own time.
        self.timetable.ran(schedule, self.clock.now, was_idle=was_idle and not is_missed)
        if not was_idle:
            self.happened()

    def start(self, schedule: Schedule, attempt: int = 0) -> None:
        """Invoke the function of a schedule; Lambda repeats a failed run if the template says so."""
        ended = self.invoke(schedule.function, schedule.event)
        if ended.error is None and not ended.was_killed:
            return
        if not ended.frame.is_disturbed:
            self.wrong.append(f"the schedule {schedule.name} failed by itself: {ended.error!r}")
        if attempt < schedule.retries:
            again = self.clock.now + timedelta(minutes=attempt + 1)
            self.later.append((again, partial(self.start, schedule, attempt + 1)))
        else:
            self.dead_letters.append(("schedule", schedule.name))

    # --- queues ---

    def deliver(self, queue: str) -> None:
        """Have the messages of a queue done that are visible."""
        effects = self.director.effects
        messages = self.sqs.receive(queue, _BATCH[queue])
        if messages:
            self.handle(queue, messages)
        if self.director.effects != effects:
            self.happened()

    def handle(self, queue: str, messages: list[Message]) -> None:
        """Invoke the consumer with messages; what it did not do is visible again after the time-out."""
        event = {
            "Records": [
                {
                    "messageId": message.id,
                    "body": message.body,
                    "attributes": {"ApproximateReceiveCount": str(message.received)},
                }
                for message in messages
            ]
        }
        received_at = self.clock.now
        self.handling.append((queue, messages))
        ended = self.invoke(_FUNCTION[queue], event)
        self.handling.pop()
        failed = {message.id for message in messages}
        if ended.response is not None:
            failed = {failure["itemIdentifier"] for failure in ended.response["batchItemFailures"]}
        if failed and not ended.frame.is_disturbed:
            bodies = [message.body for message in messages if message.id in failed]
            self.wrong.append(f"messages failed by themselves: {bodies} {ended.error!r}")
        done = [message for message in messages if message.id not in failed]
        for message in messages:
            if message.id in failed:
                self._failed(queue, message, received_at)
        for look in list(self.delivered) if done else ():
            look(queue, done)

    def _failed(self, queue: str, message: Message, received_at: datetime) -> None:
        if message.received >= MOST_RECEIVED[queue]:
            self.dead_letters.append((queue, message.body))
            return
        visible_at = received_at + timedelta(seconds=VISIBILITY_SECONDS)
        self.sqs.put_back(queue, message, delay=max(0.0, (visible_at - self.clock.now).total_seconds()))

    def redrive(self) -> None:
        """Move dead letters back to their queues, as an operator does once the cause is gone."""
        for queue, body in self.dead_letters:
            if queue != "schedule":
                self.sqs.send_message(QueueUrl=queue, MessageBody=body)
        self.dead_letters.clear()
