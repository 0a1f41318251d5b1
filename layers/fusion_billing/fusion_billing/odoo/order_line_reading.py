"""Read order lines from Odoo, by ID or by external ID."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.json_types import JsonMapping
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.orders import Seconds, many2one

LINE_FIELDS = (
    "order_id",
    "product_id",
    "state",
    "product_uom_qty",
    "price_unit",
    "price_subtotal",
    "price_total",
    "qty_invoiced",
    "qty_to_invoice",
    "discount",
    "name",
    "sequence",
)

LINES_A_CALL = 1000
"""Order lines that are compared, or listed, at once."""

_IDS_A_CALL = 500


@dataclass(frozen=True, slots=True)
class OdooLine:
    """An order line as stored in Odoo."""

    id: int
    order: int
    product: int
    state: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    subtotal: Decimal
    total: Decimal
    invoiced: Decimal
    to_invoice: Decimal
    name: str = ""
    sequence: int = 0

    @property
    def form(self) -> tuple[Decimal, Decimal, Decimal]:
        """Return quantity, price and discount."""
        return self.quantity, self.price, self.discount

    def amount(self, *, with_taxes: bool = False) -> Decimal:
        """Return its amount without taxes, or with taxes."""
        return self.total if with_taxes else self.subtotal


def parse_line(row: JsonMapping) -> OdooLine:
    """Parse a row that was read with `LINE_FIELDS`."""
    order, product = many2one(row.get("order_id")), many2one(row.get("product_id"))
    return OdooLine(
        id=row["id"],
        order=order[0] if order else 0,
        product=product[0] if product else 0,
        state=str(row.get("state") or ""),
        quantity=decimal(row.get("product_uom_qty")),
        price=decimal(row.get("price_unit")),
        discount=decimal(row.get("discount")),
        subtotal=decimal(row.get("price_subtotal")),
        total=decimal(row.get("price_total")),
        invoiced=decimal(row.get("qty_invoiced")),
        to_invoice=decimal(row.get("qty_to_invoice")),
        name=str(row.get("name") or ""),
        sequence=int(row.get("sequence") or 0),
    )


def read_lines(odoo: Odoo, ids: Sequence[int], seconds: Seconds) -> dict[int, OdooLine]:
    """Return the lines that exist, by ID."""
    if not ids:
        return {}
    rows = odoo.read("sale.order.line", ids, LINE_FIELDS, seconds=seconds())
    return {row["id"]: parse_line(row) for row in rows}


def last_sequences(odoo: Odoo, orders: Iterable[int], seconds: Seconds) -> dict[int, int]:
    """Return the highest sequence among the lines of each order, sections and notes included."""
    domain = [["order_id", "in", sorted(set(orders))]]
    rows = odoo.search_read("sale.order.line", domain, ["order_id", "sequence"], seconds=seconds())
    highest: dict[int, int] = {}
    for row in rows:
        order = many2one(row.get("order_id"))
        if order is not None:
            highest[order[0]] = max(highest.get(order[0], 0), int(row.get("sequence") or 0))
    return highest


def find_by_external_id(odoo: Odoo, names: Collection[str], orders: Iterable[int], seconds: Seconds) -> dict[str, int]:
    """Return the IDs of lines by their external IDs, among the lines of `orders`.

    A salesperson may not read external IDs (`ir.model.data`), but may read those of a record (`get_metadata`).
    """
    among = sorted(set(orders))
    if not names or not among:
        return {}
    domain = [["order_id", "in", among]]
    ids = [row["id"] for row in odoo.search_read("sale.order.line", domain, ["id"], order="id", seconds=seconds())]
    found: dict[str, int] = {}
    for first in range(0, len(ids), _IDS_A_CALL):
        found |= external_ids(odoo, "sale.order.line", ids[first : first + _IDS_A_CALL], seconds())
    return {name: found[name] for name in names if name in found}


def external_ids(odoo: Odoo, model: str, ids: Sequence[int], seconds: float | None = None) -> dict[str, int]:
    """Return the IDs of records by their external IDs; any user that can read the records may call this."""
    rows = odoo.call(model, "get_metadata", ids=list(ids), seconds=seconds)
    reported = [(named["xmlid"], row["id"]) for row in rows for named in row.get("xmlids") or [row]]
    return {name: record for name, record in reported if name}


def decimal(value: object) -> Decimal:
    """Return a number from Odoo as a decimal; anything else (False for no value) is 0."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else ZERO
