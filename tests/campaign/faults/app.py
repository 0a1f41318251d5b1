"""What apps do: send twice at once, out of order, parts again."""

from random import Random
from typing import Any

from tests.campaign.director import Call
from tests.campaign.faults.base import Counted, Fault, Parameters


class _AtOnce(Counted):
    """Another push of the same record while the first one is in the middle."""

    functions = ("ingest",)
    most_skipped = 3
    most_times = 1

    def matches(self, call: Call) -> bool:
        return len(self.world.director.frames) == 1 and self.play.sending is not None

    def before(self, call: Call) -> None:
        if self.is_due(call):
            assert self.play.sending is not None
            self.happen(self.play.sending)

    def happen(self, body: dict[str, Any]) -> None:
        raise NotImplementedError


class TwiceAtOnce(_AtOnce, kind="app_sends_twice_at_once"):
    """An app sends a record again while its first request is still in process."""

    def happen(self, body: dict[str, Any]) -> None:
        self.play.app.concurrent.add(body["idempotency_key"])
        self.play.app.push(body)


class CorrectsAtOnce(_AtOnce, kind="app_corrects_at_once"):
    """An app corrects a record, with a newer sequence, while its first request is still in process."""

    def matches(self, call: Call) -> bool:
        return super().matches(call) and "sequence" in (self.play.sending or {})

    def happen(self, body: dict[str, Any]) -> None:
        self.play.app.concurrent.add(body["idempotency_key"])
        self.play.app.push({**body, "quantity": "21", "sequence": body["sequence"] + 1})


class OutOfOrder(Fault, kind="app_sends_out_of_order"):
    """An app sends corrections of a record in another order than their sequences."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        steps = list(range(1, 5))
        random.shuffle(steps)
        return {"record": random.randrange(20), "steps": steps}

    def start(self) -> None:
        books = self.play.app.books
        keys = sorted(books)
        if not keys:
            return
        body = books[keys[self.parameters["record"] % len(keys)]].body
        first = body.get("sequence", 0)
        for step in self.parameters["steps"]:
            self.play.app.push({**body, "quantity": str(step), "sequence": first + step})
        self.fire()

    def stop(self) -> None:
        return


class RepeatsBatch(Fault, kind="app_repeats_a_batch"):
    """An app sends all its records again, some of them changed, in one batch."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"every": random.randrange(1, 4)}

    def start(self) -> None:
        bodies = []
        for index, pushed in enumerate(list(self.play.app.books.values())):
            if pushed.voided:
                continue
            body = dict(pushed.body)
            if index % self.parameters["every"] == 0:
                body["quantity"] = "13"
                if "sequence" in body:
                    body["sequence"] += 1
            bodies.append(body)
        if bodies:
            self.play.app.batch(bodies)
            self.fire()

    def stop(self) -> None:
        return
