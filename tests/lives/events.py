"""What may happen in a life: a list of events, made of a seed alone, so that any of them can be left out."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.lives import definitions, window_keys

Event = tuple[Any, ...]
"""Its name, then its arguments: numbers and texts, which mean the same whatever else happens."""

MOST_EVENTS = 45
_KILLABLE = ("push", "again", "correct", "plan", "sweep", "work", "sync")
_RELAYS = ("relay", "relay_work")


def life(seed: int, features: frozenset[str]) -> tuple[dict[str, Any], list[Event]]:
    """Return the world a life begins in, and its events."""
    random = Random(seed)
    world = _world(random, features)
    if "hooks" in features:
        # Every rating is a transaction then. What else the seed makes stays the same.
        world["listens"] = Random(f"hooks {seed}").random() < 0.3
    if "final" in features:
        world["ends"] = Random(f"final {seed}").random() < 0.3
    if "cadence" in features:
        world["rating_cadence"] = Random(f"cadence {seed}").choice(["1h", "1h", "3h", "6h", "24h"])
    if "windows" in features:
        window_keys.choose(world["metrics"], seed)
    maker = _Maker(random, world, features)
    return world, [maker.next() for _ in range(random.randrange(8, MOST_EVENTS))]


def _world(random: Random, features: frozenset[str]) -> dict[str, Any]:
    kinds = [*definitions.AGGREGATIONS, *(["time_weighted"] if "levels" in features else [])]
    metrics = {f"m{number}": random.choice(kinds) for number in range(random.choice([1, 1, 2]))}
    bodies = {code: definitions.metric(random, kind) for code, kind in metrics.items()}
    charges = {}
    for number in range(random.choice([1, 2, 2, 3])):
        code = random.choice(list(metrics))
        charges[f"c{number}"] = definitions.charge(random, code, metrics[code])
    return {
        "metrics": bodies,
        "charges": charges,
        "zone": random.choice(["UTC", "UTC", "Europe/Berlin", "America/New_York"]),
        "start": random.choice(["2026-01-01", "2026-01-01", "2026-01-10", "2026-01-31"]),
        "plan": "Pro",
    }


class _Maker:
    """Makes events."""

    def __init__(self, random: Random, world: dict[str, Any], features: frozenset[str]) -> None:
        self._random = random
        self._world = world
        self._pushed = 0
        self._weights: dict[str, float] = {
            "push": 10, "batch": 3, "again": 2, "correct": 4, "stale": 1,
            "reprice": 2, "invoice": 3, "wait": 8, "plan": 3, "sweep": 2, "work": 6, "relay": 4,
            "relay_work": 2, "sync": 4, "job": 1, "kill": 5, "lose_markers": 0.7, "odoo_fault": 1,
            "restart": 1,
        }  # fmt: skip
        for feature, weight in _BY_FEATURE.items():
            if feature in features:
                self._weights |= weight
        self._weights |= _OF_AN_END if world.get("ends") else {}
        unknown = "unknown" in features
        self._killable = [*_KILLABLE, *(_RELAYS if unknown else ()), *({"void"} & features)]
        self._faults = ["load_serialization", *(["lost", "lost", "reset", "status"] if unknown else ())]

    def next(self) -> Event:
        """Return an event."""
        [name] = self._random.choices(list(self._weights), list(self._weights.values()))
        return self._event(name)

    def _event(self, name: str) -> Event:
        random = self._random
        make: Callable[[], Event] | None = getattr(self, f"_{name}", None)
        if make is not None:
            return make()
        if name in ("again", "void"):
            return name, random.randrange(max(1, self._pushed))
        return (name,)

    def _push(self) -> Event:
        self._pushed += 1
        return "push", self._pushed - 1, self._record()

    def _batch(self) -> Event:
        records = []
        for _ in range(self._random.randrange(2, 5)):
            records.append((self._pushed, self._record()))
            self._pushed += 1
        return "batch", tuple(records)

    def _record(self) -> tuple[Any, ...]:
        random = self._random
        code = random.choice(list(self._world["metrics"]))
        kind = self._world["metrics"][code]["aggregation"]
        day = random.choice([random.uniform(-45, 2), random.uniform(-10, 1), random.uniform(-3, 30)])
        length = random.choice([1, 1, 24, 24 * 7, 24 * 31]) if kind == "time_weighted" else random.choice([1, 24])
        quantity = random.choice(["0", "1", "3", "7.25", "12", "40", "150", "0.333"])
        sequence = random.choice([None, None, random.randrange(5)])
        member = random.choice("abc") if kind == "unique_count" else None
        region = random.choice([None, *definitions.REGIONS])
        return code, round(day * 24), length, quantity, sequence, member, region

    def _correct(self) -> Event:
        random = self._random
        sequence = random.choice([None, 1, 1, 2])
        return (
            "correct",
            random.randrange(max(1, self._pushed)),
            random.choice(["0", "2", "9", "55.5"]),
            sequence,
        )

    def _stale(self) -> Event:
        return "correct", self._random.randrange(max(1, self._pushed)), self._random.choice(["4", "77"]), -1

    def _reprice(self) -> Event:
        random = self._random
        code = random.choice(list(self._world["charges"]))
        body = self._world["charges"][code]
        kind = self._world["metrics"][body["metric"]]["aggregation"]
        valid = random.choice([None, "hour", "day", "open", "next"])
        return "reprice", code, definitions.price(random, kind), valid, random.randrange(24 * 20)

    def _wait(self) -> Event:
        return "wait", self._random.choice([1, 1, 3, 12, 24, 24 * 3, 24 * 10, 24 * 20])

    def _work(self) -> Event:
        return "work", self._random.choice([1, 3, 10, 10])

    def _sync(self) -> Event:
        return "sync", self._random.random() < 0.3

    def _odoo_fault(self) -> Event:
        return "odoo_fault", self._random.choice(self._faults)

    def _kill(self) -> Event:
        inner = self._event(self._random.choice(self._killable))
        call = self._random.choice([1, 2, 3, self._random.randrange(1, 12), self._random.randrange(1, 40)])
        return "kill", inner, call, self._random.random() < 0.5

    def _final_invoice(self) -> Event:
        return "final_invoice", self._random.random() < 0.7

    def _move_end(self) -> Event:
        return "move_end", self._random.randrange(-10, 40)

    def _move_start(self) -> Event:
        return "move_start", self._random.randrange(-8, 8)


_BY_FEATURE: dict[str, dict[str, float]] = {
    "void": {"void": 2},
    "plans": {"change_plan": 2},
    "chain": {"renew": 1},
    "pause": {"pause": 0.7, "resume": 1.4},
    "life": {"move_end": 0.4, "move_start": 0.6},
    "close": {"close": 0.2},
}
"""How often what only some features allow happens; `FEATURES` names those that the service has."""

_OF_AN_END = {"close": 6, "final_invoice": 14, "take_back": 3, "reopen": 2}
"""How often an ended subscription is invoiced and runs again, in lives that are about that."""
