"""Read the taxes of order lines, as `odoo_lines.taxes` computes with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fusion_billing.odoo.client import Odoo, Row
from fusion_billing.odoo.errors import PermanentError
from fusion_billing.odoo.orders import Seconds
from fusion_billing.odoo_lines.taxes import Tax

TAX_FIELDS = (
    "name",
    "amount",
    "amount_type",
    "price_include",
    "include_base_amount",
    "is_base_affected",
    "sequence",
    "children_tax_ids",
)
_LINE_FIELDS = ("tax_ids", "tax_id")  # Odoo 19; 17 and 18
_MOST_NESTED = 3


@dataclass
class TaxReader:
    """Read taxes; taxes that many lines share are read once."""

    odoo: Odoo
    _field: str | None = field(default=None, init=False)
    _rows: dict[int, Row] = field(default_factory=dict, init=False)

    def of_lines(self, ids: Sequence[int], seconds: Seconds) -> dict[int, list[Tax]]:
        """Return the taxes of each order line, in the order they apply in.

        A line whose taxes are Python code, or closed to the user, is left out.
        """
        try:
            name = self._line_field()
            rows = self.odoo.read("sale.order.line", ids, [name], seconds=seconds()) if name else []
            taxes = {row["id"]: [tax for tax in row.get(name or "") or () if isinstance(tax, int)] for row in rows}
            self._learn({tax for found in taxes.values() for tax in found}, seconds)
        except PermanentError:
            return {}
        made = {line: self._made(found) for line, found in taxes.items()}
        return {line: found for line, found in made.items() if found is not None}

    def rows(self, ids: Iterable[int], seconds: Seconds) -> list[Row]:
        """Return those taxes as they read, and the members of groups among them in their place."""
        requested = list(ids)
        self._learn(set(requested), seconds)
        return self._flat(requested)

    def _line_field(self) -> str | None:
        if self._field is None:
            about = self.odoo.fields("sale.order.line", _LINE_FIELDS)
            self._field = next((name for name in _LINE_FIELDS if name in about), None)
        return self._field

    def _learn(self, ids: set[int], seconds: Seconds) -> None:
        for _ in range(_MOST_NESTED):
            unknown = sorted(ids - set(self._rows))
            if not unknown:
                return
            domain = [["id", "in", unknown]]
            context = {"active_test": False}
            found = self.odoo.call(
                "account.tax",
                "search_read",
                seconds=seconds(),
                domain=domain,
                fields=list(TAX_FIELDS),
                context=context,
            )
            self._rows |= {row["id"]: row for row in found}
            ids = {child for row in found for child in row.get("children_tax_ids") or ()}

    def _flat(self, ids: Iterable[int]) -> list[Row]:
        known = [self._rows[tax] for tax in ids if tax in self._rows]
        flat: list[Row] = []
        for row in sorted(known, key=lambda tax: (tax.get("sequence") or 0, tax["id"])):
            is_group = row.get("amount_type") == "group"
            flat.extend(self._flat(row.get("children_tax_ids") or ()) if is_group else [row])
        return flat

    def _made(self, ids: Sequence[int]) -> list[Tax] | None:
        if any(tax not in self._rows for tax in ids):
            return None
        made = [_tax(row) for row in self._flat(ids)]
        return None if None in made else [tax for tax in made if tax is not None]


def _tax(row: Mapping[str, Any]) -> Tax | None:
    kind, amount = row.get("amount_type"), row.get("amount")
    if kind not in ("percent", "division", "fixed") or not isinstance(amount, Decimal | int):
        return None
    return Tax(
        id=row["id"],
        kind=kind,
        amount=Decimal(amount),
        included=bool(row.get("price_include")),
        affects=bool(row.get("include_base_amount")),
        affected=row.get("is_base_affected") is not False,
    )
