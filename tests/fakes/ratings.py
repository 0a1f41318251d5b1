"""Ratings, closed periods, statements and announced ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import HISTORY, HistoryEntry, Line, RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.dynamodb.ratings.statements import AlreadyClosed
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.instants import rfc3339
from fusion_billing.statements.statement import Period as StatementPeriod
from fusion_billing.statements.statement import StatementJson, statement_document


@dataclass
class FakeClosedPeriods:
    """Closed periods in memory."""

    items: dict[tuple[str, datetime], ClosedPeriod] = field(default_factory=dict)

    def since(self, subscription: str, start: datetime) -> dict[datetime, ClosedPeriod]:
        return {at: closed for (owner, at), closed in self.items.items() if owner == subscription and at >= start}

    def put(self, subscription: str, closed_period: ClosedPeriod) -> ClosedPeriod:
        return self.items.setdefault((subscription, closed_period.start), closed_period)

    def note(self, subscription: str, start: datetime, digest: str) -> None:
        key = subscription, start
        self.items[key] = replace(self.items[key], digest=digest)

    def statement_made(self, subscription: str, start: datetime) -> dict[str, object]:
        return {"statement_made": (subscription, start)}


@dataclass
class FakeRatings:
    """Ratings in memory: a write of a version that is not the one read, or of a frozen one, is a conflict.

    `overtaken` holds ratings that another worker writes just before the next write of their keys;
    `unavailable` are subscriptions whose ratings can't be read.
    """

    items: dict[RatingKey, StoredRating] = field(default_factory=dict)
    closed_periods: FakeClosedPeriods = field(default_factory=FakeClosedPeriods)
    overtaken: dict[RatingKey, StoredRating] = field(default_factory=dict)
    unavailable: set[str] = field(default_factory=set)
    events: list[object] = field(default_factory=list)

    def get(self, key: RatingKey) -> StoredRating | None:
        return self.items.get(key)

    def get_many(self, keys: Sequence[RatingKey]) -> dict[RatingKey, StoredRating]:
        if any(key.subscription in self.unavailable for key in keys):
            raise Unavailable("The ratings table is throttled")
        return {key: self.items[key] for key in keys if key in self.items}

    def in_period(self, subscription: str, period_start: datetime) -> list[StoredRating]:
        if subscription in self.unavailable:
            raise Unavailable("The ratings table is throttled")
        found = [
            rating
            for key, rating in self.items.items()
            if (key.subscription, key.period_start) == (subscription, period_start)
        ]
        return sorted(found, key=lambda rating: rating.key.name)

    def whole(self, stored: StoredRating) -> RatingDocument:
        return stored.document

    def save(
        self,
        decision: NewVersion | SameVersion,
        *,
        stored: StoredRating | None,
        odoo_order_id: int,
        now: datetime,
        line_at: datetime | None = None,
        events: Sequence[object] = (),
    ) -> None:
        due_at = line_at or now
        if isinstance(decision, SameVersion):
            same = self._current(decision.stored)
            line = _moved(same.line, decision.line, due_at)
            self.items[same.key] = replace(same, raised=same.raised | decision.raised, line=line)
        else:
            self._save_version(decision, stored, now, due_at)
        self.events += events

    def save_many(self, saves: Sequence[Save], *, now: datetime) -> list[Exception | None]:
        errors: list[Exception | None] = []
        for save in saves:
            try:
                self._save_version(save.decision, save.stored, now, save.line_at or now)
            except VersionConflict as error:
                errors.append(error)
            else:
                errors.append(None)
        return errors

    def freeze(self, stored: StoredRating) -> None:
        current = self._current(stored)
        state = "sent" if current.line.amount is not None else None
        self.items[current.key] = replace(current, frozen=True, line=replace(current.line, state=state))

    def acknowledge(self, key: RatingKey) -> None:
        """Do as the relay does once Odoo has taken a rating's order line."""
        rating = self.items[key]
        line = replace(rating.line, state="sent", version=rating.version, amount=rating.amount, id=9, at=None)
        self.items[key] = replace(rating, line=line)

    def _save_version(self, decision: NewVersion, stored: StoredRating | None, now: datetime, due_at: datetime) -> None:
        rated = decision.computed_rating
        self._let_others_write(rated.key)
        if stored is None and rated.key in self.items:
            raise VersionConflict("The rating exists")
        current = None if stored is None else self._current(stored)
        entry = HistoryEntry(decision.version, rated.document.units, rated.document.amount, rfc3339(now), rated.cause)
        self.items[rated.key] = StoredRating(
            key=rated.key,
            version=decision.version,
            amount=rated.amount,
            digest=rated.digest,
            document_json=rated.document_json,
            history=(*(current.history if current is not None else ()), entry)[-HISTORY:],
            raised=decision.raised | (current.raised if current is not None else frozenset()),
            line=_moved(current.line if current is not None else Line(), decision.line, due_at),
        )

    def _current(self, read: StoredRating) -> StoredRating:
        self._let_others_write(read.key)
        current = self.items[read.key]
        if current.version != read.version or current.frozen:
            raise VersionConflict("Another worker wrote the rating")
        return current

    def _let_others_write(self, key: RatingKey) -> None:
        if key in self.overtaken:
            self.items[key] = self.overtaken.pop(key)


def _moved(line: Line, move: str, due_at: datetime) -> Line:
    if move == "keep":
        return line
    if move == "due" and line.state == "due" and line.at is not None:
        due_at = min(due_at, line.at)  # a line that is due already keeps its time if that is earlier
    return replace(line, state=None if move == "none" else move, at=due_at if move == "due" else None)


def an_empty_statement(subscription: str, start: datetime) -> StatementJson:
    """Return the statement of a month without any order line."""
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    period = StatementPeriod(subscription, "Acme", "Pro", "USD", "UTC", 41, start, end, end)
    return statement_document(period, [], previous_hash=None, closed_at=end)


@dataclass
class FakeStatements:
    """Statements in memory; storing one notes in its closed period that it is made."""

    closed_periods: FakeClosedPeriods
    documents: dict[tuple[str, str], StatementJson] = field(default_factory=dict)
    events: list[object] = field(default_factory=list)

    def put(self, document: StatementJson, events: Sequence[object] = ()) -> None:
        key = str(document["subscription"]), str(document["period_start"])
        if key in self.documents:
            raise AlreadyClosed("The period has a statement")
        self.documents[key] = document
        for write in events:
            if isinstance(write, dict) and "statement_made" in write:
                closed = write["statement_made"]
                self.closed_periods.items[closed] = replace(self.closed_periods.items[closed], has_statement=True)
            else:
                self.events.append(write)

    def get(self, subscription: str, period_start: datetime) -> StatementJson | None:
        found = self.documents.get((subscription, rfc3339(period_start)))
        return None if found is None else found.copy()

    def page(
        self, subscription: str, after: datetime | None, limit: int
    ) -> tuple[list[StatementJson], datetime | None]:
        starts = sorted((start for owner, start in self.documents if owner == subscription), reverse=True)
        rest = [start for start in starts if after is None or start < rfc3339(after)]
        page = [self.documents[subscription, start].copy() for start in rest[:limit]]
        return page, datetime.fromisoformat(rest[limit - 1]) if len(rest) > limit else None

    def latest(self, subscription: str) -> StatementJson | None:
        own = [document for (owner, _), document in sorted(self.documents.items()) if owner == subscription]
        return own[-1].copy() if own else None


@dataclass
class FakeAnnouncedEnds:
    """Announced ends in memory."""

    ends: dict[str, datetime] = field(default_factory=dict)

    def of(self, subscription: str) -> datetime | None:
        return self.ends.get(subscription)

    def announce(self, subscription: str, ended_at: datetime, events: Sequence[object]) -> bool:
        if self.ends.get(subscription) == ended_at:
            return False
        self.ends[subscription] = ended_at
        return True
