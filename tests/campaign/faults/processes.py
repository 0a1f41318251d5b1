"""Faults of processes: killed, frozen, short of time; containers and their clocks."""

from datetime import timedelta
from functools import partial
from random import Random

from tests.campaign.director import HTTP, Call
from tests.campaign.faults.base import Counted, Fault, Parameters, Within
from tests.campaign.schedules import SCHEDULES


class _Killed(Counted):
    """An invocation that is killed at its n-th call."""

    most_skipped = 60
    most_times = 1
    after_it = False

    def matches(self, call: Call) -> bool:
        return call.operation not in HTTP

    def before(self, call: Call) -> None:
        if not self.after_it and self.is_due(call):
            self.world.director.die()

    def after(self, call: Call) -> None:
        if self.after_it and self.is_due(call):
            self.world.director.die()


class KilledBefore(_Killed, kind="killed_before_aws_call"):
    """An invocation is killed before one of its calls of AWS."""


class KilledAfter(_Killed, kind="killed_after_aws_call"):
    """An invocation is killed after one of its calls of AWS took effect."""

    after_it = True


class _KilledAtHttp(_Killed):
    functions = ("relay",)
    most_skipped = 10

    def matches(self, call: Call) -> bool:
        return call.operation in HTTP


class KilledBeforeHttp(_KilledAtHttp, kind="killed_before_http_call"):
    """An invocation is killed before a call of Odoo or of a receiver."""


class KilledAfterHttp(_KilledAtHttp, kind="killed_after_http_call"):
    """An invocation is killed after Odoo or a receiver carried out its call."""

    after_it = True


class KilledAgain(_Killed, kind="killed_repeatedly"):
    """Each of several invocations is killed at its first calls, as by too little memory."""

    most_skipped = 5

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        chosen = super().choose(random)
        return {**chosen, "function": random.choice(["rate", "relay"]), "times": random.randrange(2, 7), "skip": 0}

    def matches(self, call: Call) -> bool:
        return call.frame.calls > 3


class KilledAfterSending(_Killed, kind="killed_between_functions"):
    """An invocation is killed once it has handed work to another function's queue."""

    after_it = True
    most_skipped = 3
    functions = (None, "rate", "relay")

    def matches(self, call: Call) -> bool:
        return call.operation == "SendMessageBatch"


class ShortOfTime(Fault, kind="short_of_time"):
    """Invocations have little time: they stop by themselves and go on later, or are ended."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"seconds": random.choice([1, 22, 30, 101, 110]), "times": random.randrange(1, 6)}

    def start(self) -> None:
        self.world.short_of_time += [float(self.parameters["seconds"])] * self.parameters["times"]
        self.fire()

    def stop(self) -> None:
        self.world.short_of_time.clear()


class Frozen(Within, kind="lease_expired_in_process"):
    """An invocation is frozen for minutes in the middle, and its leases expire, while others run."""

    most_skipped = 40
    functions = ("relay", "relay", "rate")

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "seconds": random.choice([61, 125, 200])}

    def happen(self, call: Call) -> None:
        self.world.advance(timedelta(seconds=self.parameters["seconds"]))
        for schedule in SCHEDULES[:2]:
            self.world.start(schedule)


class Cold(Fault, kind="containers_cold"):
    """Every function begins in new containers."""

    def start(self) -> None:
        self.world.containers.discard_all()
        self.fire()


class Remembering(Fault, kind="containers_remember"):
    """Invocations meet containers that were idle for long, and remember what was true then."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"times": random.randrange(4, 30)}

    def start(self) -> None:
        containers = self.world.containers
        containers.oldest_first = self.parameters["times"]
        for function in ("ingest", "admin", "rate", "relay"):
            held = [containers.take(function) for _ in range(containers.idle(function) + 1)]
            for container in held:
                containers.give_back(container)
        self.fire()

    def stop(self) -> None:
        self.world.containers.oldest_first = 0


class _Skewed(Fault):
    """Clocks of containers that are off."""

    sign = 1

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"seconds": [random.choice([0, 0.5, 2, 10]) for _ in range(6)]}

    def start(self) -> None:
        self.world.containers.discard_all()
        self.world.containers.next_skew = [timedelta(seconds=self.sign * each) for each in self.parameters["seconds"]]
        self.fire()

    def stop(self) -> None:
        self.world.containers.next_skew.clear()
        self.world.containers.discard_all()


class Fast(_Skewed, kind="clock_fast"):
    """The clocks of some containers are ahead, by up to ten seconds."""


class SlowClock(_Skewed, kind="clock_slow"):
    """The clocks of some containers are behind, by up to ten seconds."""

    sign = -1


class Overlapping(Within, kind="schedule_overlapping"):
    """A schedule runs while another run of it, or of another schedule, is in the middle."""

    functions = ("rate", "relay", "relay")
    most_skipped = 40

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "schedule": random.randrange(len(SCHEDULES))}

    def happen(self, call: Call) -> None:
        self.world.start(SCHEDULES[self.parameters["schedule"]])


class RelayWithinCall(Within, kind="relay_within_odoo_call"):
    """The relay runs once more while Odoo is still carrying out a call of another run."""

    functions = ("relay",)
    most_skipped = 3

    def matches(self, call: Call) -> bool:
        return super().matches(call) and call.operation == "Odoo" and call.request["method"] == "load"

    def happen(self, call: Call) -> None:
        self.world.start(SCHEDULES[0])


class _Wrapped(Fault):
    """What happens to the next runs of schedules."""

    most_times = 4

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        chosen = random.choice([schedule.name for schedule in SCHEDULES])
        return {"schedule": chosen, "times": random.randrange(1, cls.most_times + 1)}

    def start(self) -> None:
        self.world.wrap_schedule.append(self.wrap)

    def stop(self) -> None:
        if self.wrap in self.world.wrap_schedule:
            self.world.wrap_schedule.remove(self.wrap)

    def wrap(self, schedule: object) -> bool:
        if getattr(schedule, "name", "") != self.parameters["schedule"]:
            return False
        self.parameters["times"] -= 1
        if self.parameters["times"] <= 0:
            self.stop()
        self.fire()
        return self.happen(schedule)

    def happen(self, schedule: object) -> bool:
        raise NotImplementedError


class Missed(_Wrapped, kind="schedule_missed"):
    """A schedule does not run, once or several times."""

    def happen(self, schedule: object) -> bool:
        return True


class Late(_Wrapped, kind="schedule_late"):
    """A schedule runs minutes late."""

    def happen(self, schedule: object) -> bool:
        at = self.world.clock.now + timedelta(minutes=7)
        self.world.later.append((at, partial(self.world.start, schedule)))  # type: ignore[arg-type]
        return True


class Doubled(_Wrapped, kind="schedule_doubled"):
    """A schedule runs twice in a row."""

    def happen(self, schedule: object) -> bool:
        self.world.start(schedule)  # type: ignore[arg-type]
        return False
