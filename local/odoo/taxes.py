"""What taxes make of a price, as Odoo 17 to 19 compute it: included, excluded, fixed, one upon the other.

Pure arithmetic. Odoo uses doubles and rounds with a nudge; here divisions are carried to 700 digits, which
rounds to the same cents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from local.odoo.figures import WIDE, ZERO, to_currency

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Tax:
    """One `account.tax`, as far as it computes."""

    id: int
    kind: str
    amount: Decimal
    included: bool = False
    affects: bool = False
    affected: bool = True


@dataclass(frozen=True, slots=True)
class Details:
    """One line's figures, not yet rounded to the currency (with `round_per_line`: rounded already)."""

    excluded: Decimal
    taxes: tuple[tuple[Tax, Decimal], ...]

    @property
    def included(self) -> Decimal:
        """Return the total with taxes."""
        return WIDE.add(self.excluded, sum((amount for _, amount in self.taxes), ZERO))

    def subtotal(self, rounding: Decimal) -> Decimal:
        """Return the line's `price_subtotal`."""
        return to_currency(self.excluded, rounding)

    def total(self, rounding: Decimal) -> Decimal:
        """Return the line's `price_total`: its subtotal and each tax, rounded one by one."""
        return self.subtotal(rounding) + sum((to_currency(a, rounding) for _, a in self.taxes), ZERO)


def details(price: Decimal, quantity: Decimal, ordered: Sequence[Tax], rounding: Decimal | None = None) -> Details:
    """Compute a line with its taxes in the order they apply in.

    `rounding` is the currency's where the company rounds per line, else None.
    """
    raw = WIDE.multiply(price, quantity)
    if rounding is not None:
        raw = to_currency(raw, rounding)
    if not ordered:
        return Details(raw, ())
    run = _Run(ordered, raw, rounding)
    for tax in reversed(ordered):
        if tax.kind == "fixed":
            run.add(tax, WIDE.multiply(quantity, tax.amount) * (-1 if price < 0 else 1))
    for tax in reversed(ordered):
        if tax.included and tax.id not in run.amounts:
            run.add(tax, _included(tax, run))
    for tax in ordered:
        if not tax.included and tax.id not in run.amounts:
            run.add(tax, _excluded(tax, run))
    first = ordered[0]
    base = WIDE.add(raw, run.extra_base[first.id])
    if first.included:
        base -= sum((run.amounts[tax.id] for tax in run.batch[first.id]), ZERO)
    return Details(base, tuple((tax, run.amounts[tax.id]) for tax in ordered))


def totals(lines: Sequence[Details], rounding: Decimal) -> tuple[Decimal, Decimal]:
    """Return a document's untaxed amount and its taxes: each tax is added up first, and rounded then."""
    by_tax: dict[int, Decimal] = {}
    for line in lines:
        for tax, amount in line.taxes:
            by_tax[tax.id] = WIDE.add(by_tax.get(tax.id, ZERO), amount)
    tax_total = sum((to_currency(amount, rounding) for amount in by_tax.values()), ZERO)
    if any(not tax.included for line in lines for tax, _ in line.taxes):
        return to_currency(sum((line.excluded for line in lines), ZERO), rounding), tax_total
    included = to_currency(sum((line.included for line in lines), ZERO), rounding)
    return included - tax_total, tax_total


@dataclass
class _Run:
    """The computation of one line: what is known of each tax so far."""

    ordered: Sequence[Tax]
    raw: Decimal
    rounding: Decimal | None
    amounts: dict[int, Decimal] = field(default_factory=dict)
    extra_tax: dict[int, Decimal] = field(init=False)
    extra_base: dict[int, Decimal] = field(init=False)
    batch: dict[int, list[Tax]] = field(init=False)

    def __post_init__(self) -> None:
        self.extra_tax = {tax.id: ZERO for tax in self.ordered}
        self.extra_base = {tax.id: ZERO for tax in self.ordered}
        self.batch = _batches(self.ordered)

    def base_of(self, tax: Tax) -> Decimal:
        """Return what a tax is computed on."""
        return WIDE.add(self.raw, self.extra_tax[tax.id])

    def add(self, tax: Tax, amount: Decimal) -> None:
        """Note a tax's amount, and have it count for the base of the others."""
        if self.rounding is not None:
            amount = to_currency(amount, self.rounding)
        self.amounts[tax.id] = amount
        ids = {other.id for other in self.batch[tax.id]}
        positions = [i for i, other in enumerate(self.ordered) if other.id in ids]
        before, after = self.ordered[: positions[0]], self.ordered[positions[-1] + 1 :]
        if tax.included:
            for other in [*before, *(o for o in after if not (tax.affects and o.affected))]:
                self._extend(other, -amount)
        elif tax.affects:
            for other in after:
                if other.affected:
                    self._extend(other, amount)

    def _extend(self, other: Tax, amount: Decimal) -> None:
        if other.id not in self.amounts:
            self.extra_tax[other.id] = WIDE.add(self.extra_tax[other.id], amount)
        self.extra_base[other.id] = WIDE.add(self.extra_base[other.id], amount)


def _batches(ordered: Sequence[Tax]) -> dict[int, list[Tax]]:
    """Return, for each tax, those that are computed together with it."""
    found: dict[int, list[Tax]] = {}
    batch: list[Tax] = []
    affected = False
    for tax in reversed(ordered):
        if batch:
            first = batch[0]
            alike = (tax.kind, tax.included, tax.affects) == (first.kind, first.included, first.affects)
            if not alike or (tax.affects and affected):
                batch = []
        affected = tax.affected
        batch.append(tax)
        found[tax.id] = batch
    return found


def _share(tax: Tax, run: _Run) -> Decimal:
    return sum((other.amount for other in run.batch[tax.id]), ZERO) / HUNDRED


def _included(tax: Tax, run: _Run) -> Decimal:
    base = run.base_of(tax)
    part = WIDE.multiply(base, tax.amount / HUNDRED)
    return part if tax.kind == "division" else WIDE.divide(part, 1 + _share(tax, run))


def _excluded(tax: Tax, run: _Run) -> Decimal:
    part = WIDE.multiply(run.base_of(tax), tax.amount / HUNDRED)
    return part if tax.kind == "percent" else WIDE.divide(part, 1 - _share(tax, run))
