"""A rating's history as text: column by column, which compresses to half of what its versions as lines do.

Rating only adds a version and drops the oldest one, so the versions are not parsed until somebody reads them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast, overload

from fusion_billing.billing.rating import HISTORY, Cause, HistoryEntry
from fusion_billing.instants import rfc3339

_COLUMNS = 5
_NO_CAUSE = "-"
_SECOND = timedelta(seconds=1)

Columns = list[list[str]]
"""Versions, units, amounts, times and causes."""


class PackedHistory(Sequence[HistoryEntry]):
    """A history of any length, parsed when it is first read."""

    __slots__ = ("_entries", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._entries: tuple[HistoryEntry, ...] | None = None

    @classmethod
    def of(cls, history: Sequence[HistoryEntry]) -> "PackedHistory":
        """Return a history packed."""
        columns: Columns = [[] for _ in range(_COLUMNS)]
        for entry in history:
            _add(columns, entry)
        return cls(_text(columns))

    def followed_by(self, entry: HistoryEntry) -> "PackedHistory":
        """Return the history with `entry` as its newest, without the oldest entries past `HISTORY`."""
        columns = _columns(self.text)
        _add(columns, entry)
        while len(columns[0]) > HISTORY:
            _drop_oldest(columns)
        return PackedHistory(_text(columns))

    def unit_times(self) -> list[tuple[str, datetime]]:
        """Return the units and the time of each version: a fraction of the work of parsing the entries."""
        _, units, _, times, _ = _columns(self.text)
        at, found = datetime.min.replace(tzinfo=UTC), []
        for own_units, text in zip(units, times, strict=True):
            at = _parse(text) if _is_instant(text) else at + int(text) * _SECOND
            found.append((own_units, at))
        return found

    def __len__(self) -> int:
        return len(self._parsed())

    @overload
    def __getitem__(self, index: int) -> HistoryEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[HistoryEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> HistoryEntry | tuple[HistoryEntry, ...]:
        return self._parsed()[index]

    def __iter__(self) -> Iterator[HistoryEntry]:
        return iter(self._parsed())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._parsed() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._parsed())

    def _parsed(self) -> tuple[HistoryEntry, ...]:
        if self._entries is None:
            versions, units, amounts, times, causes = _columns(self.text)
            self._entries = tuple(
                HistoryEntry(int(version), own_units, amount, at, None if cause == _NO_CAUSE else cast("Cause", cause))
                for version, own_units, amount, at, cause in zip(
                    versions, units, amounts, _instants(times), causes, strict=True
                )
            )
        return self._entries


def _columns(text: str) -> Columns:
    if not text:
        return [[] for _ in range(_COLUMNS)]
    versions, units, amounts, times, causes = (column.split(" ") for column in text.split("\n"))
    if len(versions) < len(units):  # the first one alone: each of the others is one more
        first = int(versions[0])
        versions = [str(version) for version in range(first, first + len(units))]
    return [versions, units, amounts, times, causes]


def _text(columns: Columns) -> str:
    versions = columns[0]
    if not versions:
        return ""
    first = int(versions[0])
    if all(int(version) == expected for expected, version in enumerate(versions, first)):
        versions = versions[:1]
    return "\n".join(map(" ".join, [versions, *columns[1:]]))


def _add(columns: Columns, entry: HistoryEntry) -> None:
    versions, units, amounts, times, causes = columns
    times.append(_time(times, entry.at))
    versions.append(str(entry.version))
    units.append(entry.units)
    amounts.append(entry.amount)
    causes.append(entry.cause or _NO_CAUSE)


def _time(times: Sequence[str], at: str) -> str:
    """Return a time as it is added to its column: the seconds since the one before, or itself if they aren't whole."""
    if not times:
        return at
    place = max(index for index, text in enumerate(times) if _is_instant(text))
    before = _parse(times[place]) + sum(map(int, times[place + 1 :])) * _SECOND
    seconds, rest = divmod(_parse(at) - before, _SECOND)
    return at if rest or rfc3339(before + seconds * _SECOND) != at else str(seconds)


def _drop_oldest(columns: Columns) -> None:
    """Drop the oldest entry; the time of the one after it becomes an instant."""
    times = columns[3]
    if not _is_instant(times[1]):
        times[1] = rfc3339(_parse(times[0]) + int(times[1]) * _SECOND)
    for column in columns:
        del column[0]


def _instants(times: Sequence[str]) -> list[str]:
    instants: list[str] = []
    for text in times:
        instants.append(text if _is_instant(text) else rfc3339(_parse(instants[-1]) + int(text) * _SECOND))
    return instants


def _is_instant(text: str) -> bool:
    return "T" in text


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
