"""A due line made ready for Odoo: read, shaped, and looked at for what speaks against it."""

import hashlib
import json
from dataclasses import dataclass

from fusion_billing.lines.line import Line, Mode, line_of
from fusion_billing.lines.owed import Owed, read
from fusion_billing.lines.shape import Precision
from fusion_billing.odoo.errors import Differs, Park
from fusion_billing.odoo.orders import Order
from fusion_billing.odoo.verified import Wanted
from fusion_billing.store.line_items import StoredLine


@dataclass(frozen=True, slots=True)
class Candidate:
    """A due line, what it owes, and the line that Odoo shall hold for it (in English)."""

    line: StoredLine
    owed: Owed
    made: Line
    digest: str
    precision: Precision
    mode: Mode

    @property
    def order(self) -> int:
        """The sales order it goes onto."""
        return self.owed.order

    @property
    def identity(self) -> str:
        """What Odoo knows it by."""
        return self.made.external_id

    @property
    def tries(self) -> int:
        """How often it was put off."""
        return self.line.tries

    def fault(self, order: Order | None) -> Park | None:
        """Return what speaks against putting it onto `order`: another currency, or another order before."""
        if order is not None and order.currency and order.currency != self.owed.currency:
            return CurrencyDiffers(
                f"the order {order.name} is in {order.currency}, the charge in {self.owed.currency}",
                name="currency",
            )
        if self.line.odoo_order is not None and self.line.odoo_order != self.owed.order:
            return Moved(
                f"the line stands on order {self.line.odoo_order}, and the subscription names "
                f"{self.owed.order} now: writing it would move it",
                name="order",
            )
        return None

    def wanted(self, language: str) -> Wanted:
        """Return it as the writer takes it, in the customer's language."""
        line = line_of(self.owed, self.precision, mode=self.mode, language=language)
        if line.kind == "nothing":
            return Wanted(line, None, self.line.odoo_id, self.line.base)
        plainly = line_of(self.owed, self.precision, mode=self.mode, language=language, plainly=True)
        return Wanted(line, plainly, self.line.odoo_id, self.line.base)


class CurrencyDiffers(Differs):
    """The order is in another currency than the charge."""

    code = "currency_differs"


class Moved(Park):
    """The line was put onto another order before."""

    code = "order_moved"


def candidate(line: StoredLine, precision: Precision, mode: Mode) -> Candidate:
    """Return the line made ready; raises `Unreadable` or `Unrepresentable` where it can't be."""
    owed = read(line.doc, line.key.subscription)
    made = line_of(owed, precision, mode=mode)
    return Candidate(line, owed, made, _digest(made, owed), precision, mode)


def settled_without_a_call(one: Candidate) -> bool:
    """Tell whether Odoo holds just this already, or has nothing to hold."""
    never_there = one.line.odoo_id is None and one.line.odoo_order is None
    if one.made.kind == "nothing" and never_there:
        return True
    return one.line.odoo_id is not None and one.line.digest == one.digest


def _digest(made: Line, owed: Owed) -> str:
    """Return the digest of all that the line is made of: the row, and the names it may be written under."""
    told = [made.row(), made.rolling, sorted(owed.names.items())]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:32]
