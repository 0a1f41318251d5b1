"""What every kind of fault is: armed by a step of a story, it waits for its moment, and is counted when it happens."""

from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from tests.campaign.director import Call

if TYPE_CHECKING:
    from tests.campaign.play import Play
    from tests.campaign.world import World

Parameters = dict[str, Any]

KINDS: dict[str, type["Fault"]] = {}
"""Every kind of fault, by name. A kind that does not happen in a whole campaign fails it."""


class Fault:
    """A fault; the first line of a kind's docstring says what happens."""

    kind: ClassVar[str] = ""
    listens: ClassVar[bool | None] = None
    """Whether the kind needs an endpoint (events are written in transactions then), or none."""
    delays_rating: ClassVar[bool] = False
    """Whether the kind keeps the service from rating in time, until it is stopped."""

    def __init_subclass__(cls, *, kind: str = "", **rest: Any) -> None:
        """Register a kind."""
        super().__init_subclass__(**rest)
        if kind:
            cls.kind = kind
            KINDS[kind] = cls

    def __init__(self, play: "Play", **parameters: Any) -> None:
        self.play = play
        self.parameters = parameters

    @property
    def world(self) -> "World":
        """Return the world it happens to."""
        return self.play.world

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        """Return parameters for one such fault: JSON, so that a story can be printed and played again."""
        return {}

    def start(self) -> None:
        """Wait for the moment, or happen at once."""
        self.world.director.armed.append(self)

    def stop(self) -> None:
        """End: what was broken works again."""
        if self in self.world.director.armed:
            self.world.director.armed.remove(self)

    def fire(self) -> None:
        """Count that it happened."""
        self.world.fire(self.kind)

    def before(self, call: Call) -> None:
        """See a call that is about to be made; raising fails it."""

    def after(self, call: Call) -> None:
        """See a call that took effect; raising loses its response."""

    def instead(self, call: Call) -> Any:
        """Return a response to give instead of making the call, or None."""
        return None

    def left_over(self, call: Call, count: int) -> int:
        """Return how many of a batch's parts are left unprocessed."""
        return 0


class Counted(Fault):
    """A fault of the `times` matching calls that come after `skip` others."""

    most_skipped: ClassVar[int] = 12
    most_times: ClassVar[int] = 3
    functions: ClassVar[tuple[str | None, ...]] = (None, "ingest", "rate", "relay")

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        """Return which function it happens to, how many calls go well before, and how many do not."""
        return {
            "function": random.choice(cls.functions),
            "skip": random.choice([0, 0, 1, 2, random.randrange(cls.most_skipped + 1)]),
            "times": random.choice([1, 1, 2, random.randrange(1, cls.most_times + 1)]),
        }

    def matches(self, call: Call) -> bool:
        """Return whether a call is of those it may happen to."""
        raise NotImplementedError

    def is_due(self, call: Call) -> bool:
        """Count a call; return whether it happens to this one."""
        wanted = self.parameters.get("function")
        if wanted not in (None, call.frame.function) or not self.matches(call):
            return False
        if self.parameters["skip"] > 0:
            self.parameters["skip"] -= 1
            return False
        self.parameters["times"] -= 1
        if self.parameters["times"] <= 0:
            self.stop()
        self.fire()
        return True


class Within(Counted):
    """Something that happens within a call of a running invocation: after it was made, or before it takes effect."""

    most_times = 1

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        """Choose a call, and whether it happens before or after it."""
        return {**super().choose(random), "times": 1, "after": random.random() < 0.5}

    def matches(self, call: Call) -> bool:
        """Match any call of an invocation that is not within another one."""
        return len(self.world.director.frames) < 2

    def happen(self, call: Call) -> None:
        """Do what happens."""
        raise NotImplementedError

    def before(self, call: Call) -> None:
        """Happen before the call takes effect."""
        if not self.parameters["after"] and self.is_due(call):
            self.happen(call)

    def after(self, call: Call) -> None:
        """Happen once the call took effect."""
        if self.parameters["after"] and self.is_due(call):
            self.happen(call)
