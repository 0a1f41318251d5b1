"""The schedules of template.yaml by a virtual clock; those that find nothing to do come less often.

A month of the relay's two minutes is 21,600 runs, almost all of them idle. So an idle run doubles the pause
before the next one, up to `LONGEST`; whatever happens brings every schedule back to its own times.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST = timedelta(hours=5)
BUSY = timedelta(minutes=9)
"""How long after something happened schedules keep to their own times."""


def every(minutes: int) -> Callable[[datetime], datetime]:
    """Return the next time of a rate, after an instant."""

    def following(at: datetime) -> datetime:
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return day + timedelta(minutes=minutes) * ((at - day) // timedelta(minutes=minutes) + 1)

    return following


def hourly(minute: int) -> Callable[[datetime], datetime]:
    """Return the next time at a minute of each hour, after an instant."""

    def following(at: datetime) -> datetime:
        this = at.replace(minute=minute, second=0, microsecond=0)
        return this if this > at else this + timedelta(hours=1)

    return following


def daily(hour: int, minute: int) -> Callable[[datetime], datetime]:
    """Return the next time at an hour and minute of each day, after an instant."""

    def following(at: datetime) -> datetime:
        this = at.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return this if this > at else this + timedelta(days=1)

    return following


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of template.yaml: its times, the function and its event, and how often a failed run is retried."""

    name: str
    following: Callable[[datetime], datetime]
    function: str
    event: dict[str, object]
    retries: int = 0
    is_daily: bool = False


SCHEDULES = (
    Schedule("relay", every(2), "relay", {"job": "relay"}),
    Schedule("sync", every(10), "relay", {"job": "sync"}),
    Schedule("plan", hourly(6), "rate", {"job": "plan"}, retries=2),
    Schedule("closing", hourly(26), "relay", {"job": "guard", "closing": True}),
    Schedule("full", daily(1, 51), "relay", {"job": "sync", "full": True}, is_daily=True),
    Schedule("sweep", daily(2, 36), "rate", {"job": "sweep"}, retries=2, is_daily=True),
    Schedule("guard", daily(4, 16), "relay", {"job": "guard"}, is_daily=True),
)


class Timetable:
    """When each schedule runs next."""

    def __init__(self, now: datetime) -> None:
        self.next_at = {schedule.name: schedule.following(now) for schedule in SCHEDULES}
        self._pause: dict[str, timedelta] = {}
        self._busy_until = now

    def due(self) -> tuple[datetime, Schedule]:
        """Return the schedule that runs next, and when."""
        return min(((self.next_at[each.name], each) for each in SCHEDULES), key=lambda pair: (pair[0], pair[1].name))

    def ran(self, schedule: Schedule, now: datetime, *, was_idle: bool) -> None:
        """Set when a schedule that ran runs again."""
        following = schedule.following(now)
        if schedule.is_daily or now < self._busy_until or not was_idle:
            self._pause.pop(schedule.name, None)
        else:
            first = following - now
            pause = min(self._pause.get(schedule.name, first) * 2, LONGEST)
            self._pause[schedule.name] = pause
            if pause > first:
                following = schedule.following(now + pause - timedelta(seconds=1))
        self.next_at[schedule.name] = following

    def happened(self, now: datetime) -> None:
        """Bring schedules back to their own times: something happened that they may have to do with."""
        self._busy_until = now + BUSY
        self._pause.clear()
        for schedule in SCHEDULES:
            self.next_at[schedule.name] = min(self.next_at[schedule.name], schedule.following(now))
