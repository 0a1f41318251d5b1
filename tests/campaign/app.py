"""The app: what it pushes, what the service acknowledged, and what is still without an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.campaign.world import World
from tests.lives import oracle
from tests.lives.service import Answer

SOURCE = "src_life"
ACCEPTED = ("created", "updated", "unchanged", "stale")
ENDED = "subscription_ended"
SKEW = timedelta(seconds=11)
"""How far a container's clock is off at most."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A record as the app has it in its books: what it pushed last that took effect."""

    body: Body
    voided: bool = False

    @property
    def sequence(self) -> int | None:
        """Return the sequence that is stored."""
        value: int | None = self.body.get("sequence")
        return value


@dataclass
class App:
    """An app with books. It sends again what had no answer before it goes on with the same record."""

    world: World
    books: dict[str, Pushed] = field(default_factory=dict)
    unanswered: dict[str, Body | None] = field(default_factory=dict)
    """What had no answer, by key; None is a voiding."""
    concurrent: set[str] = field(default_factory=set)
    """Keys that were sent twice at once: either of the two may have come first."""
    changed_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When a subscription's usage of a metric, or its price, last changed, as far as the app knows."""
    ends_at: dict[str, datetime] = field(default_factory=dict)
    """The earliest instant at which a subscription that was closed may have ended."""

    def push(self, body: Body) -> None:
        """Push one record."""
        key = body["idempotency_key"]
        if not self.settle(key):
            return
        answer = self._sent(body)
        if answer is None:
            self.unanswered.setdefault(key, body)
        else:
            self._note(body, _outcome(answer), answer)

    def batch(self, bodies: Sequence[Body]) -> None:
        """Push records in one request."""
        bodies = [body for body in bodies if self.settle(body["idempotency_key"])]
        if not bodies:
            return
        for body in bodies:
            self._touched(body)
        answer = self.world.push({"records": bodies})
        if answer is None or answer.status == 503:
            for body in bodies:
                self.unanswered.setdefault(body["idempotency_key"], body)
            return
        if "results" not in answer.body:
            self.world.wrong.append(f"a batch came to {answer}")
            return
        for body, result in zip(bodies, answer.body["results"], strict=True):
            if result["outcome"] == "unavailable":
                self.unanswered.setdefault(body["idempotency_key"], body)
            else:
                self._note(body, _outcome(result), result)

    def void(self, key: str) -> None:
        """Take a record back."""
        if key in self.books and self.settle(key):
            self._touched(self.books[key].body)
            answer = self.world.call("DELETE", f"/v1/usage/{key}")
            self._voided(key, answer)

    def settle(self, key: str) -> bool:
        """Send again what had no answer; return whether the record's state is known now."""
        if key not in self.unanswered:
            return True
        body = self.unanswered[key]
        if body is None:
            self._touched(self.books[key].body)
            return self._voided(key, self.world.call("DELETE", f"/v1/usage/{key}"))
        answer = self._sent(body)
        if answer is None:
            return False
        del self.unanswered[key]
        outcome = _outcome(answer)
        if outcome == ENDED and self._has_ended(body):
            self._look_up(body)  # it may have taken effect before the end was seen
        elif outcome not in ACCEPTED:
            self.world.wrong.append(f"{key} was sent again and came to {answer}")
        elif outcome != "stale":
            self._keep(body)
        return True

    def _look_up(self, body: Body) -> None:
        answer = self.world.call("GET", f"/v1/usage/{body['idempotency_key']}", quiet=True)
        stored = answer.body if answer is not None and answer.status == 200 else None
        if stored is not None and Fraction(stored["quantity"]) == Fraction(body["quantity"]):
            self._keep(body)

    def _has_ended(self, body: Body) -> bool:
        ends = self.ends_at.get(body["subscription"])
        return ends is not None and datetime.fromisoformat(body["period_start"]) >= ends - SKEW

    def settle_all(self) -> bool:
        """Send again whatever had no answer; return whether all is known now."""
        settled = [self.settle(key) for key in list(self.unanswered)]
        return all(settled)

    def records(self, subscription: str, metric: str) -> list[oracle.Record]:
        """Return what counts of a subscription's metric, by the books."""
        return [
            oracle.Record(
                f"{SOURCE}#{key}",
                datetime.fromisoformat(pushed.body["period_start"]),
                datetime.fromisoformat(pushed.body["period_end"]),
                Fraction(pushed.body["quantity"]),
                pushed.body.get("member"),
                tuple(pushed.body.get("properties", {}).items()),
            )
            for key, pushed in self.books.items()
            if (pushed.body["subscription"], pushed.body["metric"]) == (subscription, metric) and not pushed.voided
        ]

    def _sent(self, body: Body) -> dict[str, Any] | None:
        """Return the response's body, None if there is none that says what became of the record."""
        self._touched(body)
        answer: Answer | None = self.world.push(body)
        if answer is None or answer.status == 503:
            return None
        response: dict[str, Any] = answer.body
        return response

    def _touched(self, body: Body) -> None:
        self.changed_at[body["subscription"], body["metric"]] = self.world.clock.now

    def _voided(self, key: str, answer: Answer | None) -> bool:
        if answer is None or answer.status == 503:
            self.unanswered[key] = None
            return False
        self.unanswered.pop(key, None)
        if answer.status != 200:
            self.world.wrong.append(f"voiding {key} came to {answer}")
        self.books[key] = replace(self.books[key], voided=True)
        return True

    def _note(self, body: Body, outcome: str, answer: Mapping[str, Any]) -> None:
        key = body["idempotency_key"]
        expected = ACCEPTED if key in self.concurrent else expected_outcomes(self.books.get(key), body)
        if self.world.was_disturbed and outcome == "unchanged":
            self._keep(body)  # a write whose response was lost shows as `unchanged` when the service repeats it
            return
        if outcome == ENDED and self._has_ended(body):
            return  # what was stored of it before stays, and is priced at nothing
        if outcome not in expected:
            self.world.wrong.append(f"{key} came to {answer}, not {' or '.join(expected)}: {body}")
            return
        if outcome in ("created", "updated"):
            self._keep(body)
        elif outcome == "unchanged" and body.get("sequence") is not None:
            known = self.books.get(key)
            if known is None or known.sequence is None or body["sequence"] > known.sequence:
                self._keep(body)

    def _keep(self, body: Body) -> None:
        """Note what took effect; a push without a sequence leaves the stored one as it is."""
        known = self.books.get(body["idempotency_key"])
        if known is not None and known.sequence is not None and known.sequence > body.get("sequence", known.sequence):
            return  # of two that were under way at once, the newer one stays
        kept = {} if known is None or known.sequence is None else {"sequence": known.sequence}
        self.books[body["idempotency_key"]] = Pushed({**kept, **body})


def _outcome(answer: Mapping[str, Any]) -> str:
    """Return what became of a push: its outcome, or the code of its refusal."""
    refusal = answer.get("error", answer)
    return str(refusal["code"] if "code" in refusal else answer["outcome"])


def expected_outcomes(known: Pushed | None, body: Body) -> tuple[str, ...]:
    """Return what a push may come to, by the table in docs/usage.md."""
    if known is None:
        return ("created",)
    sequence = body.get("sequence")
    is_newer = sequence is None or known.sequence is None or sequence > known.sequence
    if known.voided:
        return ("updated",) if is_newer else ("stale",)
    if Fraction(known.body["quantity"]) == Fraction(body["quantity"]):
        return ("unchanged",) if is_newer or sequence == known.sequence else ("unchanged", "stale")
    return ("updated",) if is_newer else ("stale",)
