"""What the demo must come to: every figure worked by hand, its arithmetic beside it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from local.demo.catalog import ACROSS, MONTHLY, SUBSCRIPTIONS, TIERED, YEARLY, dates


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a charge of a subscription in a period, and its line in Odoo.

    All figures are decimals as text compares them: equal numbers, whatever zeros they end in.
    """

    subscription: str
    charge: str
    period_start: str
    period_end: str
    units: Decimal
    included: Decimal
    overage: Decimal
    amount: Decimal
    quantity: Decimal
    price: Decimal
    subtotal: Decimal


FIGURES = {
    # 102 + 103 + … + 125 = 24 x 101 + 24 x 25 / 2 = 2,724; day 5 corrected from 106 to 206: 2,824.
    # 2,824 - 1,000 included = 1,824; x 0.004 = 7.296; to the cent 7.30. An invoice adds up unrounded products, so
    # Odoo gets 1 at 7.30.
    (MONTHLY, "api_calls_pro"): "2824 1000 1824 7.30 1 7.30 7.30",
    # The peak is on day 24: 60.25 + 24 x 0.25 = 66.25; - 50 = 16.25; x 0.15 = 2.4375; 2.44, again as 1 at 2.44.
    (MONTHLY, "storage"): "66.25 50 16.25 2.44 1 2.44 2.44",
    # 23 x 250 + 25 = 5,775; day 10 corrected from 25 to 250: 6,000. - 500 = 5,500, in tiers:
    # 1,000 x 0.010 + 4,000 x 0.006 + 500 x 0.003 = 10 + 24 + 1.50 = 35.50. More than one price: 1 at 35.50.
    (TIERED, "api_calls_scale"): "6000 500 5500 35.50 1 35.50 35.50",
    # The peak is on day 17: 73.333 - 50 = 23.333; x 0.15 = 3.49995; 3.50. Odoo keeps two digits: 1 at 3.50.
    (TIERED, "storage"): "73.333 50 23.333 3.50 1 3.50 3.50",
    # 24 x 26 = 624; - 500 = 124, all in the first tier: x 0.010 = 1.24. Odoo: 124 at 0.01.
    (YEARLY, "api_calls_scale"): "624 500 124 1.24 124 0.01 1.24",
    # 1,250.1 - 50 = 1,200.1; x 0.15 = 180.015, half a cent: up, 180.02. Left to doubles that could be 180.01, so
    # Odoo gets 1 at 180.02.
    (YEARLY, "storage"): "1250.1 50 1200.1 180.02 1 180.02 180.02",
    # 24 x 51.25 = 1,230, the window across the period's end in whole, for its start lies in it; - 1,000 = 230;
    # x 0.004 = 0.92.
    (ACROSS, "api_calls_pro"): "1230 1000 230 0.92 230 0.004 0.92",
    # 51 - 50 = 1; x 0.15 = 0.15.
    (ACROSS, "storage"): "51 50 1 0.15 1 0.15 0.15",
}
"""Units, included, overage, amount; quantity, price and subtotal in Odoo: by subscription and charge, on any day."""


def rows(today: date) -> tuple[Row, ...]:
    """Return what the demo of `today` must come to: the period of each row is from local midnight to local midnight."""
    found = []
    for (subscription, charge), figures in FIGURES.items():
        _, opens_on, ends_on, _ = dates(subscription, today)
        period = _midnight(subscription, opens_on), _midnight(subscription, ends_on)
        found.append(Row(subscription, charge, *period, *(Decimal(figure) for figure in figures.split())))
    return tuple(found)


def _midnight(subscription: str, day: date) -> str:
    zone = ZoneInfo(SUBSCRIPTIONS[subscription]["timezone"])
    instant = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    return instant.isoformat().replace("+00:00", "Z")


# How the pushes end on a fresh start. Counters: 4 subscriptions x 2 metrics x 24 days = 192.
RECORDS = 192
FIRST_OUTCOMES = {
    "created": RECORDS,
    "unchanged": RECORDS + 1,  # all of them sent again, and one on its own
    "updated": 2,  # the two corrections
    "stale": 2,  # what they corrected, arriving once more
}
# On a start with what was kept: the two corrected counters are newer than what comes first and again.
LATER_OUTCOMES = {"unchanged": 2 * (RECORDS - 2) + 1 + 2, "stale": 2 * 2 + 2}
