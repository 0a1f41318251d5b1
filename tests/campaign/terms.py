"""What the API says of prices and plans over time, and which of it may price a closed period.

Nothing that changes after an invoice was seen prices its period. When it was seen, and which ratings were up to date
then, is the service's own matter for as long as its documentation allows. So a period that closes around a change may
have the terms of before it or of after it, and every other period has exactly one set of terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Prices = Mapping[str, Sequence[dict[str, Any]]]
"""The versions of each charge."""
Plans = tuple[tuple[datetime | None, str], ...]
"""Plans, and since when each is in force."""


@dataclass(frozen=True)
class Terms:
    """The prices of all charges, and the plans of each subscription."""

    prices: Prices
    plans: Mapping[str, Plans]


@dataclass
class TermsHistory:
    """All terms since the story began, the current ones last."""

    all: list[Terms] = field(default_factory=lambda: [Terms({}, {})])
    settled_by: dict[str, int] = field(default_factory=dict)
    """The number of the terms by which everything of a subscription is known to be rated."""
    _closed: dict[tuple[str, datetime], list[int | None]] = field(default_factory=dict)
    """The first and the last terms that may price a closed period; None: the last are not known yet."""

    @property
    def current(self) -> Terms:
        """Return the current terms."""
        return self.all[-1]

    def begin(self) -> None:
        """Have the current terms be the first ones: nothing was rated by others."""
        self.all = [self.current]

    def priced(self, prices: Prices) -> None:
        """Note the prices, if they changed."""
        if prices != self.current.prices:
            self.all.append(replace(self.current, prices=prices))

    def planned(self, subscription: str, plans: Plans) -> None:
        """Note the plans of a subscription, if they changed."""
        if plans != self.current.plans.get(subscription):
            self.all.append(replace(self.current, plans={**self.current.plans, subscription: plans}))

    def closes(self, subscription: str, start: datetime, settled: int | None = None) -> None:
        """Note that Odoo invoiced a period, now or since the subscription was `settled` by such terms."""
        self._closed[subscription, start] = [self.settled_by.get(subscription, 0) if settled is None else settled, None]

    def settled(self, subscription: str) -> None:
        """Note that the service had the time to see all invoices of a subscription, and to rate all of it anew."""
        newest = len(self.all) - 1
        self.settled_by[subscription] = newest
        for (of, _), bounds in self._closed.items():
            if of == subscription and bounds[1] is None:
                bounds[1] = newest

    def of(self, subscription: str, start: datetime) -> list[Terms]:
        """Return the terms that may price a period."""
        first, last = self._closed.get((subscription, start), (len(self.all) - 1, None))
        assert first is not None
        return self.all[first:] if last is None else self.all[first : last + 1]
