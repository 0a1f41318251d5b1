"""Find order lines of our products that this service did not write and that Odoo would invoice, such as copies.

Odoo copies an order's lines without their external ids, so that the same usage would be invoiced twice. A
line counts as a copy where its product and the first line of its text (the charge's name and the period) are
those of a line that has an external id of ours.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.order_line_reading import LINE_FIELDS, LINES_A_CALL, OdooLine, external_ids, parse_line
from fusion_billing.odoo.orders import Seconds, many2one
from fusion_billing.odoo_lines.external_id import MODULE

_METADATA_A_CALL = 500
_LINES_A_LOOK = 50
_LOOKED_AT = 50
_PARTNER = "order_partner_id"
_OURS = f"{MODULE}."


@dataclass(frozen=True, slots=True)
class ForeignLine:
    """A line of one of our products that has no external id of ours.

    `is_copy` says that it is like a line of ours, `copy_of` is that one's external id where it is on the same
    order or of the same customer: many customers' lines have the same product and title.
    """

    odoo_line: OdooLine
    is_copy: bool = False
    copy_of: str | None = None


def to_be_invoiced(
    odoo: Odoo,
    products: Collection[int],
    seconds: Seconds,
    *,
    orders: Collection[int] | None = None,
    after: int = 0,
) -> Iterator[list[OdooLine]]:
    """Yield pages of the lines of `products` that Odoo would invoice, of `orders` or of all, by rising id."""
    if not products or (orders is not None and not orders):
        return
    domain: list[list[object]] = [
        ["product_id", "in", sorted(products)],
        ["state", "=", "sale"],
        ["qty_to_invoice", "!=", 0],
    ]
    if orders is not None:
        domain.append(["order_id", "in", sorted(orders)])
    while True:
        page = [["id", ">", after], *domain]
        rows = odoo.search_read("sale.order.line", page, LINE_FIELDS, limit=LINES_A_CALL, order="id", seconds=seconds())
        if rows:
            yield [parse_line(row) for row in rows]
            after = rows[-1]["id"]
        if len(rows) < LINES_A_CALL:
            return


def foreign(odoo: Odoo, lines: Sequence[OdooLine], seconds: Seconds) -> list[ForeignLine]:
    """Return those of the lines that have no external id of ours, with whose copies they are."""
    ours = {line for name, line in _named(odoo, [line.id for line in lines], seconds) if _is_ours(name)}
    others = [line for line in lines if line.id not in ours]
    found: list[ForeignLine] = []
    for first in range(0, len(others), _LINES_A_LOOK):
        chunk = others[first : first + _LINES_A_LOOK]
        originals = _originals(odoo, chunk, seconds)
        elsewhere = _alike(odoo, [line for line in chunk if line.id not in originals], seconds)
        found += [
            ForeignLine(line, line.id in originals or _likeness(line) in elsewhere, originals.get(line.id))
            for line in chunk
        ]
    return found


def _originals(odoo: Odoo, lines: Sequence[OdooLine], seconds: Seconds) -> dict[int, str]:
    """Return the external ids of the same customers' lines that these are copies of, by the copies' ids.

    A line of the same order comes first, then the newest.
    """
    rows = odoo.read("sale.order.line", [line.id for line in lines], [_PARTNER], seconds=seconds())
    partners = {row["id"]: partner[0] for row in rows if (partner := many2one(row.get(_PARTNER)))}
    titles = [["name", "=like", f"{title}%"] for title in sorted({_likeness(line)[1] for line in lines})]
    domain = [
        ["product_id", "in", sorted({line.product for line in lines})],
        [_PARTNER, "in", sorted(set(partners.values()))],
        *["|"] * (len(titles) - 1),
        *titles,
    ]
    rows = odoo.search_read(
        "sale.order.line",
        domain,
        (*LINE_FIELDS, _PARTNER),
        limit=LINES_A_CALL,
        order="id",
        seconds=seconds(),
    )
    odoo_lines = {row["id"]: parse_line(row) for row in rows}
    of_partner = {row["id"]: partner[0] for row in rows if (partner := many2one(row.get(_PARTNER)))}
    ours = sorted((line, name) for name, line in _named(odoo, list(odoo_lines), seconds) if _is_ours(name))
    found: dict[int, str] = {}
    for copy in lines:
        like = [
            (odoo_lines[line].order == copy.order, line, name)
            for line, name in ours
            if _likeness(odoo_lines[line]) == _likeness(copy) and of_partner.get(line) == partners.get(copy.id)
        ]
        if like:
            found[copy.id] = max(like)[2]
    return found


def _alike(odoo: Odoo, lines: Sequence[OdooLine], seconds: Seconds) -> set[tuple[int, str]]:
    """Return the products and titles of these lines that some line of ours has, whoever's it is."""
    found: set[tuple[int, str]] = set()
    for product, title in sorted({_likeness(line) for line in lines if line.name}):
        domain = [["product_id", "=", product], ["name", "=like", f"{title}%"]]
        rows = odoo.search_read("sale.order.line", domain, LINE_FIELDS, limit=_LOOKED_AT, order="id", seconds=seconds())
        odoo_lines = {row["id"]: parse_line(row) for row in rows}
        names = _named(odoo, list(odoo_lines), seconds)
        found |= {
            (product, title)
            for name, line in names
            if _is_ours(name) and _likeness(odoo_lines[line]) == (product, title)
        }
    return found


def _named(odoo: Odoo, ids: Sequence[int], seconds: Seconds) -> Iterator[tuple[str, int]]:
    for first in range(0, len(ids), _METADATA_A_CALL):
        chunk = ids[first : first + _METADATA_A_CALL]
        yield from external_ids(odoo, "sale.order.line", chunk, seconds()).items()


def _is_ours(external_id: str) -> bool:
    return external_id.startswith(_OURS)


def _likeness(line: OdooLine) -> tuple[int, str]:
    return line.product, line.name.partition("\n")[0]
