"""A story: a world and the steps that happen in it, made of a seed alone, so that any step can be left out."""

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.campaign.faults import KINDS
from tests.lives import definitions, window_keys
from tests.lives.definitions import REGIONS

Step = tuple[Any, ...]
"""Its name, then its arguments: numbers and texts, which mean the same whatever else happens."""

CUSTOMERS = 2
_AGGREGATIONS = (*definitions.AGGREGATIONS, "time_weighted")
_WEIGHTS = {
    "push": 9, "batch": 3, "again": 2, "correct": 4, "stale": 1, "void": 1.5,
    "invoice": 2.5, "renew": 0.3, "wait": 8,
}  # fmt: skip
_PLAN_CHANGES, _INVOICED_THEN, _UPSELLS, _CLOSES = 0.35, 0.4, 0.15, 0.15
"""How likely a story has such a change."""
_WAITS = (0.1, 0.5, 1.2, 1.2, 2.5, 4, 12, 26, 26, 60)


@dataclass(frozen=True)
class Story:
    """What a play begins with, and what happens in it."""

    spec: dict[str, Any]
    steps: list[Step]


def story(seed: int, kind: str | None) -> Story:
    """Return the story of a seed about one kind of fault, with up to two others beside it; None: about none."""
    random = Random(f"{seed} {kind}")
    listens = random.random() < 0.6
    if kind is not None and KINDS[kind].listens is not None:
        listens = bool(KINDS[kind].listens)
    spec = _spec(random, f"{seed} {kind}", listens=listens)
    maker = _Maker(random, spec)
    steps = [maker.push(), maker.push(), *(maker.next() for _ in range(random.randrange(5, 14)))]
    if kind is not None:
        kinds = [kind] * random.choice([2, 3, 4])
        kinds += [random.choice(list(KINDS)) for _ in range(random.choice([0, 0, 1, 2]))]
        for each in kinds:
            steps.insert(random.randrange(len(steps)), ("fault", each, KINDS[each].choose(random)))
    for place, step in _changes(Random(f"changes {seed} {kind}"), spec, len(steps)):
        steps.insert(place, step)
    return Story(spec, [*steps, maker.push(), ("wait", 1.2)])


def _changes(random: Random, spec: dict[str, Any], count: int) -> list[tuple[int, Step]]:
    """Return changes of prices and subscriptions, and where among the `count` steps of a story each happens."""
    places = range(2, count + 1)
    prices = range(random.choice([0, 0, 1, 1, 2]))
    found: list[tuple[int, Step]] = [(random.choice(places), _reprice(random, spec)) for _ in prices]
    customer = random.randrange(CUSTOMERS)
    if random.random() < _PLAN_CHANGES:
        found.append((random.choice(places), ("change_plan", customer)))
    if found and random.random() < _INVOICED_THEN:  # around the change, so that either may be seen first
        found.append((found[-1][0] + random.randrange(2), ("invoice", random.randrange(CUSTOMERS))))
    if random.random() < _UPSELLS:
        found.append((random.choice(places), ("upsell", customer)))
    if random.random() < _CLOSES:
        place = random.choice(places)
        final = ("final_invoice", customer, random.random() < 0.7)
        found += [(place, final), (place, ("wait", random.choice(_WAITS)))] if random.random() < 0.7 else []
        found.append((place, ("close", customer)))
    return found


def _reprice(random: Random, spec: dict[str, Any]) -> Step:
    code = random.choice(list(spec["charges"]))
    kind = spec["metrics"][spec["charges"][code]["metric"]]["aggregation"]
    valid = random.choice([None, "hour", "day", "open", "open", "next"])
    return "reprice", code, definitions.price(random, kind), valid, random.randrange(24 * 20)


def _spec(random: Random, seed: str, *, listens: bool) -> dict[str, Any]:
    metrics = {f"m{number}": random.choice(_AGGREGATIONS) for number in range(random.choice([1, 2]))}
    bodies = {code: definitions.metric(random, kind) for code, kind in metrics.items()}
    window_keys.choose(bodies, seed)
    charges = {}
    for number in range(random.choice([1, 2, 2, 3])):
        code = random.choice(list(metrics))
        charges[f"c{number}"] = definitions.charge(random, code, metrics[code])
    return {
        "metrics": bodies,
        "charges": charges,
        "zone": random.choice(["UTC", "UTC", "Europe/Berlin", "America/New_York"]),
        "starts": [random.choice(["2026-01-01", "2026-01-10"]) for _ in range(CUSTOMERS)],
        "endpoints": random.choice([1, 1, 2]) if listens else 0,
    }


class _Maker:
    """Makes steps."""

    def __init__(self, random: Random, spec: dict[str, Any]) -> None:
        self._random = random
        self._spec = spec
        self._pushed = 0

    def next(self) -> Step:
        """Return a step."""
        [name] = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        step: Step = getattr(self, name)()
        return step

    def push(self) -> Step:
        """Push one record."""
        return ("push", *self._numbered())

    def batch(self) -> Step:
        """Push several records at once."""
        return "batch", tuple(self._numbered() for _ in range(self._random.randrange(2, 6)))

    def _numbered(self) -> tuple[Any, ...]:
        self._pushed += 1
        return self._random.randrange(CUSTOMERS), self._pushed - 1, self._record()

    def _record(self) -> tuple[Any, ...]:
        random = self._random
        code = random.choice(list(self._spec["metrics"]))
        kind = self._spec["metrics"][code]["aggregation"]
        day = random.choice([random.uniform(-12, 1), random.uniform(-3, 0), random.uniform(-3, 30)])
        length = random.choice([1, 24, 24 * 7]) if kind == "time_weighted" else random.choice([1, 24])
        quantity = random.choice(["0", "1", "3", "7.25", "12", "40", "150", "0.333"])
        sequence = random.choice([None, random.randrange(5)])
        member = random.choice("abc") if kind == "unique_count" else None
        return code, round(day * 24), length, quantity, sequence, member, random.choice([None, *REGIONS])

    def again(self) -> Step:
        """Push a record once more, as it is."""
        return "again", self._random.randrange(max(1, self._pushed))

    def correct(self) -> Step:
        """Push a record with another quantity."""
        random = self._random
        quantity = random.choice(["0", "2", "9", "55.5"])
        return "correct", random.randrange(max(1, self._pushed)), quantity, random.choice([None, 1, 1, 2])

    def stale(self) -> Step:
        """Push a record with an older sequence."""
        return "correct", self._random.randrange(max(1, self._pushed)), self._random.choice(["4", "77"]), -1

    def void(self) -> Step:
        """Take a record back."""
        return "void", self._random.randrange(max(1, self._pushed))

    def invoice(self) -> Step:
        """Have Odoo invoice a subscription."""
        return "invoice", self._random.randrange(CUSTOMERS)

    def renew(self) -> Step:
        """Have Odoo renew a subscription."""
        return "renew", self._random.randrange(CUSTOMERS)

    def wait(self) -> Step:
        """Let time pass."""
        return "wait", self._random.choice(_WAITS)
