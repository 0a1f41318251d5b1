"""Compute the unit price that gives an amount under any taxes that Odoo adds to a price or takes out of it.

An amount without taxes needs a higher price if prices include a tax; an amount with taxes needs a lower one if they do
not. Taxes in Odoo are linear in the price: the amounts of a price of 0 and of a price of 1 give the amount of any
price, and so the price of any amount. The rules are those of `account.tax` in Odoo 17 to 19.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from typing import Literal

from fusion_billing.decimals import ZERO

_PRICE_DIGITS = 15  # a double holds no more
_ROUND = Context(prec=_PRICE_DIGITS)
_HUNDRED = 100

Kind = Literal["percent", "division", "fixed"]


@dataclass(frozen=True, slots=True)
class Tax:
    """One tax of a line: `included` if prices contain it; one that `affects` others is part of their base."""

    id: int
    kind: Kind
    amount: Decimal
    included: bool = False
    affects: bool = False
    affected: bool = True


def price_of(amount: Decimal, taxes: Sequence[Tax], *, with_taxes: bool, digits: int | None) -> Decimal | None:
    """Return the price at which quantity 1 gives `amount`, without or with taxes; None if no price does.

    `taxes` are in the order they apply in. `digits` are the decimal places that the database stores of prices (None:
    all of them).
    """
    sign = -1 if amount < ZERO else 1
    none, one = (_amount(Fraction(price), taxes, sign, with_taxes=with_taxes) for price in (0, 1))
    if one == none:
        return None
    price = (Fraction(amount) - none) / (one - none)
    if price == 0 or (price > 0) != (sign > 0):
        return None  # Odoo would change the sign of a fixed tax
    found = _ROUND.divide(Decimal(price.numerator), Decimal(price.denominator))
    return found if digits is None else round(found, digits)


def _amount(price: Fraction, taxes: Sequence[Tax], sign: int, *, with_taxes: bool) -> Fraction:
    if not taxes:
        return price
    run = _Run(taxes, price)
    for tax in reversed(taxes):
        if tax.kind == "fixed":
            run.add(tax, sign * Fraction(tax.amount))
    for tax in reversed(taxes):
        if tax.included and tax.id not in run.amounts:
            run.add(tax, run.included(tax))
    for tax in taxes:
        if not tax.included and tax.id not in run.amounts:
            run.add(tax, run.excluded(tax))
    first = taxes[0]
    base = price + run.for_base[first.id]
    if first.included:
        base -= sum(run.amounts[tax.id] for tax in run.batches[first.id])
    return base + sum(run.amounts.values()) if with_taxes else base


@dataclass
class _Run:
    """One computation: the tax amounts so far, and what they add to the bases of other taxes."""

    taxes: Sequence[Tax]
    price: Fraction
    amounts: dict[int, Fraction] = field(default_factory=dict)
    for_tax: dict[int, Fraction] = field(init=False)
    for_base: dict[int, Fraction] = field(init=False)
    batches: dict[int, list[Tax]] = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing added to any base."""
        self.for_tax = {tax.id: Fraction(0) for tax in self.taxes}
        self.for_base = dict(self.for_tax)
        self.batches = _batches(self.taxes)

    def add(self, tax: Tax, amount: Fraction) -> None:
        """Record the amount of a tax, and add it to the bases that it affects."""
        self.amounts[tax.id] = amount
        together = {other.id for other in self.batches[tax.id]}
        places = [place for place, other in enumerate(self.taxes) if other.id in together]
        earlier, later = self.taxes[: places[0]], self.taxes[places[-1] + 1 :]
        if tax.included:
            reached = [*earlier, *(other for other in later if not (tax.affects and other.affected))]
            self._extend(reached, -amount)
        elif tax.affects:
            self._extend([other for other in later if other.affected], amount)

    def _extend(self, others: Sequence[Tax], amount: Fraction) -> None:
        for other in others:
            if other.id not in self.amounts:
                self.for_tax[other.id] += amount
            self.for_base[other.id] += amount

    def included(self, tax: Tax) -> Fraction:
        """Return the amount of a tax that the price contains."""
        part = (self.price + self.for_tax[tax.id]) * Fraction(tax.amount) / _HUNDRED
        return part if tax.kind == "division" else part / (1 + self._share(tax))

    def excluded(self, tax: Tax) -> Fraction:
        """Return the amount of a tax that is added to the price."""
        part = (self.price + self.for_tax[tax.id]) * Fraction(tax.amount) / _HUNDRED
        return part if tax.kind == "percent" else part / (1 - self._share(tax))

    def _share(self, tax: Tax) -> Fraction:
        return sum((Fraction(other.amount) for other in self.batches[tax.id]), Fraction(0)) / _HUNDRED


def _batches(taxes: Sequence[Tax]) -> dict[int, list[Tax]]:
    """Return, for each tax, the taxes that are computed together with it."""
    found: dict[int, list[Tax]] = {}
    batch: list[Tax] = []
    is_affected = False
    for tax in reversed(taxes):
        if batch:
            last = batch[0]
            is_alike = (tax.kind, tax.included, tax.affects) == (last.kind, last.included, last.affects)
            if not is_alike or (tax.affects and is_affected):
                batch = []
        is_affected = tax.affected
        batch.append(tax)
        found[tax.id] = batch
    return found
