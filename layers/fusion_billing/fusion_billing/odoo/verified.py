"""Lines written and read back: what Odoo holds is compared with what was rated, never assumed.

A line that is on an invoice already is left alone. Odoo bills what a line's quantity has grown by since, so
a price that changes, or a quantity that shrinks, would be billed by nobody: that is an adjustment's matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fusion_billing.decimals import EXACT, ZERO, plain
from fusion_billing.lines.line import COLUMNS, Line
from fusion_billing.odoo.client import Odoo, Row
from fusion_billing.odoo.errors import Cancelled, Differs, Invoiced, InvoicedMeanwhile, Missing, OdooError
from fusion_billing.odoo.load import Loader
from fusion_billing.odoo.orders import many2one

READ_BACK = (
    "order_id",
    "state",
    "product_uom_qty",
    "price_unit",
    "price_subtotal",
    "qty_invoiced",
    "discount",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line to be put there: as it shall be, plainly (quantity 1) if need be, and its id where known.

    `base` is what was invoiced of a rolling line when it was written last in this period.
    """

    line: Line
    plainly: Line | None = None
    known_id: int | None = None
    base: Decimal | None = None

    def is_invoiced(self, invoiced: Decimal) -> bool:
        """Tell whether Odoo has invoiced what this line was written for; `invoiced` is its `qty_invoiced`."""
        if self.line.rolling:
            return self.base is not None and invoiced != self.base
        return invoiced != ZERO


@dataclass(frozen=True, slots=True)
class Written:
    """A line as Odoo holds it now, read back; `line` is what was sent, `invoiced` the quantity before it."""

    id: int
    quantity: Decimal
    price: Decimal
    subtotal: Decimal
    invoiced: Decimal
    line: Line


Outcome = Written | OdooError


class Writer:
    """Writes lines by way of a `Loader` and reads them back."""

    def __init__(self, odoo: Odoo, loader: Loader) -> None:
        self._odoo = odoo
        self._loader = loader

    def put(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Return what became of each. Raises what `Loader.load` raises."""
        outcomes: dict[int, Outcome] = {}
        before = self._before(wanted)
        invoiced = {external: decimal(row.get("qty_invoiced")) for external, row in before.items()}
        going = []
        for index, one in enumerate(wanted):
            if one.is_invoiced(invoiced.get(one.line.external_id, ZERO)):
                outcomes[index] = Invoiced("Odoo has invoiced this line already", name="qty_invoiced")
            else:
                going.append(index)
        self._write({index: wanted[index].line for index in going}, before, outcomes)
        # What came out to another cent, or under a discount of the pricelist's, gets one more chance.
        again = {
            index: plainly
            for index in going
            if isinstance(outcomes[index], Differs) and (plainly := wanted[index].plainly) is not None
        }
        if again:
            self._write(again, before, outcomes, discount=True)
        return [outcomes[index] for index in range(len(wanted))]

    def _write(
        self,
        lines: Mapping[int, Line],
        before: Mapping[str, Row],
        outcomes: dict[int, Outcome],
        *,
        discount: bool = False,
    ) -> None:
        order = list(lines)
        rows = [
            lines[index].row(decimal(before.get(lines[index].external_id, {}).get("qty_invoiced")))
            for index in order
        ]
        loader = self._loader
        if discount:
            loader = replace(loader, columns=(*COLUMNS, "discount"))
            rows = [[*row, "0"] for row in rows]
        ids: dict[int, int] = {}
        for index, verdict in zip(order, loader.load(rows), strict=True):
            if isinstance(verdict, int):
                ids[index] = verdict
            else:
                outcomes[index] = verdict
        held = self._read(list(ids.values()))
        for index, line_id in ids.items():
            line, was, now = lines[index], before.get(lines[index].external_id), held.get(line_id)
            if was is not None and now is not None and now.get("qty_invoiced") != was.get("qty_invoiced"):
                outcomes[index] = self._raced(line, was, now)
            else:
                outcomes[index] = compare(line, line_id, now)

    def _raced(self, line: Line, was: Row, now: Row) -> Outcome:
        """Return what became of a line that Odoo invoiced between our first look and our last.

        Odoo invoiced it as it was before (then it is set back to that, or what it grew by would be billed
        once by Odoo and once as an adjustment), or as it was written.
        """
        quantity, price = decimal(now.get("product_uom_qty")), decimal(now.get("price_unit"))
        old_quantity, old_price = decimal(was.get("product_uom_qty")), decimal(was.get("price_unit"))
        invoiced = decimal(now.get("qty_invoiced"))
        is_unchanged = (quantity, price) == (old_quantity, old_price)
        if invoiced == quantity and (quantity != old_quantity or is_unchanged):
            subtotal = decimal(now.get("price_subtotal"))
            return Written(now["id"], quantity, price, subtotal, decimal(was.get("qty_invoiced")), line)
        if invoiced == old_quantity and quantity != old_quantity:
            loader = replace(self._loader, columns=COLUMNS[:-1])
            back = [*line.row()[:3], plain(old_quantity), plain(old_price)]
            if isinstance(loader.load([back])[0], int):
                return Invoiced("Odoo invoiced this line just before it was changed", name="qty_invoiced")
        return InvoicedMeanwhile(
            f"Odoo invoiced this line while it changed, {plain(old_quantity)} at {plain(old_price)} before "
            f"and {plain(quantity)} at {plain(price)} after: see which of them the invoice has",
            name="qty_invoiced",
        )

    def _read(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        if not ids:
            return {}
        rows = self._odoo.read("sale.order.line", ids, READ_BACK, seconds=self._loader.seconds())
        return {row["id"]: row for row in rows}

    def _before(self, wanted: Sequence[Wanted]) -> dict[str, Row]:
        """Return those lines that are there already as they are, by external id."""
        ids = {one.line.external_id: one.known_id for one in wanted if one.known_id is not None}
        ids.update(self._rolling_ids([one.line for one in wanted if one.line.rolling]))
        held = self._read(sorted(set(ids.values())))
        return {external: held[line_id] for external, line_id in ids.items() if line_id in held}

    def _rolling_ids(self, lines: Sequence[Line]) -> dict[str, int]:
        """Return the line that each rolling line's external id stands for, where there is one.

        A salesperson may not read external ids (`ir.model.data`), but is told those of a record's own.
        """
        if not lines:
            return {}
        domain = [["order_id", "in", sorted({line.order for line in lines})]]
        seconds = self._loader.seconds()
        there = self._odoo.search_read("sale.order.line", domain, ["id"], seconds=seconds)
        found: dict[str, int] = {}
        if there:
            ids = [row["id"] for row in there]
            found = external_ids(self._odoo, "sale.order.line", ids, self._loader.seconds())
        return {line.external_id: found[line.external_id] for line in lines if line.external_id in found}


def external_ids(odoo: Odoo, model: str, ids: Sequence[int], seconds: float | None = None) -> dict[str, int]:
    """Return which of the records each external id of theirs stands for; any user that reads them may ask."""
    rows = odoo.call(model, "get_metadata", ids=list(ids), seconds=seconds)
    told = [(named["xmlid"], row["id"]) for row in rows for named in row.get("xmlids") or [row]]
    return {name: record for name, record in told if name}


def compare(line: Line, line_id: int, held: Mapping[str, Any] | None) -> Outcome:
    """Return the line as it reads back, or how it differs from what was to be there."""
    if held is None:
        return Missing("the line is gone from Odoo, or its user may not see it", name="read back")
    order = many2one(held.get("order_id"))
    if order is None or order[0] != line.order:
        return Differs(
            f"the line is on order {order[0] if order else 'none'}, not on {line.order}", name="order"
        )
    if held.get("state") == "cancel":
        return Cancelled("the order is cancelled: what is on it is never invoiced", name="order")
    quantity, price = decimal(held.get("product_uom_qty")), decimal(held.get("price_unit"))
    subtotal = decimal(held.get("price_subtotal"))
    told = subtotal
    if line.rolling:
        told = to_bill(quantity - decimal(held.get("qty_invoiced")), price, line.digits)
    if abs(told - line.amount) >= Decimal(1).scaleb(-line.digits - 2):
        return Differs(_difference(line, held, told), name="price_subtotal")
    return Written(line_id, quantity, price, subtotal, decimal(held.get("qty_invoiced")), line)


def to_bill(left: Decimal, price: Decimal, digits: int) -> Decimal:
    """Return what a rolling line has left to invoice, in a currency of so many digits."""
    return EXACT.multiply(left, price).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, EXACT)


def decimal(value: object) -> Decimal:
    """Return a number of Odoo's as a decimal; what is no number (False for none) is 0."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else ZERO


def _difference(line: Line, held: Mapping[str, Any], told: Decimal) -> str:
    text = f"rated {plain(line.amount)}, Odoo has {plain(told)}"
    discount = decimal(held.get("discount"))
    if discount:
        text += f" after a discount of {plain(discount)} %"
    if decimal(held.get("product_uom_qty")) != line.quantity and not line.rolling:
        text += f": it keeps the quantity as {plain(decimal(held.get('product_uom_qty')))}"
    if decimal(held.get("price_unit")) != line.price:
        text += f": it keeps the price as {plain(decimal(held.get('price_unit')))}"
    return text
