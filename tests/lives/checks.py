"""What must hold once a life has come to rest."""

import re
from calendar import monthrange
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.ratings.period_lines import PeriodLines, is_period_lines
from fusion_billing.dynamodb.ratings.rating_items import rating_of
from tests.lives import oracle
from tests.lives.life import SUBSCRIPTION, Broken, Life

_EXTERNAL = re.compile(
    r"(?P<of>[^-]+)--(?P<charge>[a-z0-9]+)--(?P<start>\d{8}T\d{6}Z)(?:--(?P<corrects>\d{8}T\d{6}Z))?(?:--o\d+)?"
)

Pair = tuple[str, datetime]
"""A charge and the start of the period its amounts are about."""


def check(life: Life) -> None:
    """Raise `Broken` where what was invoiced, adjusted and stands open is not what all records come to."""
    wanted = line_item(life)
    _compare("ratings", wanted, _rated(life))
    _check_unbilled(life)
    _compare("Odoo's lines and invoices", wanted, _in_odoo(life))


def line_item(life: Life) -> dict[Pair, Fraction]:
    """Return what each charge comes to in each period up to the open one, by the oracle."""
    stored = life.stored()
    zone, bounds = stored.subscription.timezone, (stored.starts, stored.ends)
    result: dict[Pair, Fraction] = {}
    now = life.prices()
    for period in _periods(life):
        prices = life.prices_at_close.get(period.start, now)
        plans = life.plans_at_close.get(period.start) or life.plans()
        lived = oracle.Life(SUBSCRIPTION, zone, plans, *bounds, _whole_start(life, period))
        for code, versions in prices.items():
            metric = versions[0]["metric"]
            records = _of(period, life.records(metric), life.world["metrics"][metric])
            result[code, period.start] = oracle.amount(
                versions, life.world["metrics"][metric], records, lived, (period.start, period.end)
            )
    return result


def _check_unbilled(life: Life) -> None:
    """Raise `Broken` where usage outside the subscription's life is not shown as unbilled."""
    stored, periods = life.stored(), _periods(life)
    for period in periods:
        shown = life.current_usage(period.start)
        for metric in life.world["metrics"]:
            starts = [record.start for record in life.records(metric)]
            first = [at for at in starts if at < stored.starts and (period == periods[0] or at >= period.start)]
            ends = stored.ends or period.end
            after = [at for at in starts if max(ends, period.start) <= at < period.end]
            found = shown.get(metric, {}).get("unbilled", {"records_before": 0, "records_after": 0})
            if (found["records_before"], found["records_after"]) != (len(first), len(after)):
                raise Broken(
                    f"{metric} of {period.start:%Y-%m-%d}: {found} is shown as unbilled, there are "
                    f"{len(first)} records before the start and {len(after)} from the end on"
                )


def _periods(life: Life) -> list[Period]:
    return list(life.stored().calendar.known)


def _whole_start(life: Life, period: Period) -> datetime | None:
    """Return where the first period would begin, a month before its end, if the subscription did not."""
    if period != _periods(life)[0]:
        return None
    zone = ZoneInfo(life.world["zone"])
    end = period.end.astimezone(zone)
    year, month = (end.year, end.month - 1) if end.month > 1 else (end.year - 1, 12)
    day = min(life.anchor, monthrange(year, month)[1])
    return min(period.start, datetime(year, month, day, tzinfo=zone))


def about(life: Life, start: datetime) -> datetime:
    """Return the start of the period that is meant: the first one may have had others before."""
    starts = [period.start for period in _periods(life)]
    return starts[0] if start not in starts and start in life.stored().calendar.replaced else start


def _of(period: Period, records: list[oracle.Record], metric: dict[str, Any]) -> list[oracle.Record]:
    if metric["aggregation"] == "time_weighted":
        return [record for record in records if record.start < period.end and record.end > period.start]
    return [record for record in records if period.start <= record.start < period.end]


def _rated(life: Life) -> dict[Pair, Fraction]:
    """Return what the ratings say was billed or is to be, by what they are about."""
    total: dict[Pair, Fraction] = {}
    opened = life.stored().calendar.open
    items = life.service.dynamodb.contents(life.service.tables.ratings)
    lines = {item["pk"]["S"]: PeriodLines.of(item) for item in items if is_period_lines(item)}
    for item in items:
        if "amount" not in item or not item["pk"]["S"].startswith("R#"):
            continue
        rating = rating_of(item, lines.get(item["pk"]["S"]))
        start = about(life, rating.key.period_start)
        if start > opened.start:
            continue  # upcoming: rated when it opens
        pair = rating.key.charge, about(life, rating.key.corrects or start)
        amount = rating.billed if rating.frozen else rating.amount
        total[pair] = total.get(pair, Fraction(0)) + Fraction(amount)
        if not rating.frozen and rating.amount != rating.billed:
            raise Broken(f"{rating.key.line} is rated {rating.amount}, and Odoo has {rating.billed}: {rating.line}")
    return total


def _in_odoo(life: Life) -> dict[Pair, Fraction]:
    """Return what Odoo invoiced and will invoice, by what its lines are about."""
    odoo = life.service.odoo
    names = odoo.read("ir.model.data", [["model", "=", "sale.order.line"]], ["name", "res_id"])
    lines = odoo.read("sale.order.line", [], ["qty_to_invoice", "price_unit"])
    named = Counter(row["res_id"] for row in names)
    stray = [line["id"] for line in lines if named[line["id"]] != 1]
    if stray:
        raise Broken(f"lines of Odoo are not named once each: {stray}")
    by_id = {line["id"]: line for line in lines}
    invoiced = _invoiced(life)
    total: dict[Pair, Fraction] = {}
    for row in names:
        match = _EXTERNAL.fullmatch(row["name"])
        if match is None:
            raise Broken(f"a line has the external id {row['name']}")
        line = by_id[row["res_id"]]
        start = datetime.strptime(match["corrects"] or match["start"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        open_amount = Fraction(Decimal(line["qty_to_invoice"])) * Fraction(Decimal(line["price_unit"]))
        cents = Fraction(round(open_amount * 100), 100)
        pair = match["charge"], about(life, start)
        total[pair] = total.get(pair, Fraction(0)) + invoiced.get(line["id"], Fraction(0)) + cents
    return total


def _invoiced(life: Life) -> dict[int, Fraction]:
    found: dict[int, Fraction] = {}
    moves = {move["id"]: move for move in life.service.odoo.read("account.move", [], ["move_type"])}
    for row in life.service.odoo.read("account.move.line", [], ["move_id", "sale_line_ids", "price_subtotal"]):
        move = moves[row["move_id"][0]]
        sign = -1 if move["move_type"] == "out_refund" else 1
        for line in row["sale_line_ids"]:
            found[line] = found.get(line, Fraction(0)) + sign * Fraction(Decimal(row["price_subtotal"]))
    return found


def _compare(what: str, wanted: dict[Pair, Fraction], found: dict[Pair, Fraction]) -> None:
    wrong = [
        f"{charge} of {start:%Y-%m-%d}: {what} come to {float(found.get((charge, start), 0))}, "
        f"all records to {float(wanted.get((charge, start), 0))}"
        for charge, start in sorted({*wanted, *found})
        if found.get((charge, start), 0) != wanted.get((charge, start), 0)
    ]
    if wrong:
        raise Broken("; ".join(wrong))
