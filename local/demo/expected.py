"""What the demo must come to: every figure worked by hand, its arithmetic beside it."""

from dataclasses import dataclass
from decimal import Decimal

from local.demo.catalog import ACROSS, FIRST, LAST_DAY, YEARLY


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


def _row(subscription: str, charge: str, period: tuple[str, str], figures: str) -> Row:
    return Row(subscription, charge, *period, *(Decimal(figure) for figure in figures.split()))


# Midnight of 1 October in Berlin, still in summer time, to that of 1 November, no longer.
_OCTOBER_IN_BERLIN = ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")
# The 31st where there is one, else the month's last day; New York is four hours behind UTC all the while.
_TO_THE_31ST = ("2026-09-30T04:00:00Z", "2026-10-31T04:00:00Z")
_A_YEAR = ("2026-01-15T00:00:00Z", "2027-01-15T00:00:00Z")
_TO_THE_20TH = ("2026-09-20T00:00:00Z", "2026-10-20T00:00:00Z")

ROWS = (
    # 101 + 102 + … + 131 = 31 x 100 + 31 x 32 / 2 = 3,596; day 5 corrected from 105 to 205: 3,696.
    # 3,696 - 1,000 included = 2,696; x 0.004 = 10.784; to the cent 10.78. An invoice adds up unrounded
    # products, so Odoo gets 1 at 10.78.
    _row(FIRST, "api_calls_pro", _OCTOBER_IN_BERLIN, "3696 1000 2696 10.78 1 10.78 10.78"),
    # The peak is on day 31: 60 + 31 x 0.25 = 67.75; - 50 = 17.75; x 0.15 = 2.6625; 2.66, again as 1 at 2.66.
    _row(FIRST, "storage", _OCTOBER_IN_BERLIN, "67.75 50 17.75 2.66 1 2.66 2.66"),
    # 30 x 250 + 25 = 7,525; day 10 corrected from 25 to 250: 7,750. - 500 = 7,250, in tiers:
    # 1,000 x 0.010 + 4,000 x 0.006 + 2,250 x 0.003 = 10 + 24 + 6.75 = 40.75. More than one price: 1 at 40.75.
    _row(LAST_DAY, "api_calls_scale", _TO_THE_31ST, "7750 500 7250 40.75 1 40.75 40.75"),
    # The peak is on day 17: 73.333 - 50 = 23.333; x 0.15 = 3.49995; 3.50. Odoo keeps two digits: 1 at 3.50.
    _row(LAST_DAY, "storage", _TO_THE_31ST, "73.333 50 23.333 3.50 1 3.50 3.50"),
    # 31 x 20 = 620; - 500 = 120, all in the first tier: x 0.010 = 1.20. Odoo: 120 at 0.01.
    _row(YEARLY, "api_calls_scale", _A_YEAR, "620 500 120 1.20 120 0.01 1.20"),
    # 1,250.1 - 50 = 1,200.1; x 0.15 = 180.015, half a cent: up, 180.02. Left to doubles that could be 180.01,
    # so Odoo gets 1 at 180.02.
    _row(YEARLY, "storage", _A_YEAR, "1250.1 50 1200.1 180.02 1 180.02 180.02"),
    # 30 x 40.5 = 1,215, the window across the period's end in whole, for its start lies in it; - 1,000 = 215;
    # x 0.004 = 0.86.
    _row(ACROSS, "api_calls_pro", _TO_THE_20TH, "1215 1000 215 0.86 215 0.004 0.86"),
    # 51 - 50 = 1; x 0.15 = 0.15.
    _row(ACROSS, "storage", _TO_THE_20TH, "51 50 1 0.15 1 0.15 0.15"),
)

# How the pushes end on a fresh start. Counters: (31 + 31) x 3 + 30 + 30 = 246, a day and metric each.
RECORDS = 246
FIRST_OUTCOMES = {
    "created": RECORDS,
    "unchanged": RECORDS + 1,  # all of them sent again, and one on its own
    "updated": 2,  # the two corrections
    "stale": 2,  # what they corrected, arriving once more
}
# On a start with what was kept: the two corrected counters are newer than what comes first and again.
LATER_OUTCOMES = {"unchanged": 2 * (RECORDS - 2) + 1 + 2, "stale": 2 * 2 + 2}
