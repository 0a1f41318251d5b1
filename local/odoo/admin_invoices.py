"""The controls that do to invoices, prices and settings what a person does in Odoo, one call each."""

from typing import Any

from local.odoo.admin_subscriptions import SubscriptionControls
from local.odoo.models import invoices

SHOWN = ("name", "state", "move_type", "payment_state", "amount_untaxed", "amount_tax", "amount_total")


class InvoiceControls(SubscriptionControls):
    """Invoices from draft to reversed, prices updated, orders copied; roundings, discounts, apps."""

    def invoice_order(self, order_id: int, *, post: bool = False) -> dict[str, Any]:
        """Invoice all that is to invoice of an order, subscription or not; return the invoice."""
        with self._committed() as env:
            wizard = env["sale.advance.payment.inv"]
            values = {"advance_payment_method": "delivered", "sale_order_ids": [order_id]}
            move = wizard.create_invoices(wizard.create([values]))["res_id"]  # type: ignore[attr-defined]
            if post:
                env["account.move"].action_post([move])  # type: ignore[attr-defined]
            return env["account.move"].read([move], list(SHOWN), load=None)[0]

    def post_invoice(self, invoice: int) -> dict[str, Any]:
        """Post a draft; return the invoice."""
        return self._moved("action_post", invoice)

    def cancel_invoice(self, invoice: int) -> dict[str, Any]:
        """Cancel an invoice: what it invoiced is to invoice again; return it."""
        return self._moved("button_cancel", invoice)

    def draft_invoice(self, invoice: int) -> dict[str, Any]:
        """Reset an invoice to a draft; return it."""
        return self._moved("button_draft", invoice)

    def delete_invoice(self, invoice: int) -> bool:
        """Delete a draft: what it invoiced is to invoice again."""
        with self._committed() as env:
            return env["account.move"].unlink([invoice])

    def reverse_invoice(self, invoice: int, *, post: bool = True) -> dict[str, Any]:
        """Make the credit note of a posted invoice, posted by default; return it."""
        with self._committed() as env:
            moves = env["account.move"]
            new = invoices.reverse(moves, invoice)
            if post:
                moves.action_post([new])  # type: ignore[attr-defined]
            return moves.read([new], list(SHOWN), load=None)[0]

    def credit_invoice(self, invoice: int) -> int:
        """Credit a whole posted invoice; return the id of the posted credit note."""
        return int(self.reverse_invoice(invoice)["id"])

    def _moved(self, action: str, invoice: int) -> dict[str, Any]:
        with self._committed() as env:
            getattr(env["account.move"], action)([invoice])
            return env["account.move"].read([invoice], list(SHOWN), load=None)[0]

    def update_prices(self, order_id: int) -> bool:
        """Press "Update Prices" on an order: its lines get the pricelist's prices, ours too."""
        with self._committed() as env:
            env["sale.order"].action_update_prices([order_id])  # type: ignore[attr-defined]
            return True

    def copy_order(self, order_id: int, *, confirm: bool = True) -> int:
        """Copy an order with its lines, confirmed by default; return the new one's id."""
        with self._committed() as env:
            [new] = env["sale.order"].copy([order_id])  # type: ignore[attr-defined]
            if confirm:
                env["sale.order"].action_confirm([new])  # type: ignore[attr-defined]
            return int(new)

    def set_rounding(self, method: str, company: int = 1) -> bool:
        """Set a company's tax rounding: `round_per_line` or `round_globally` (Odoo's default)."""
        with self._committed() as env:
            return env["res.company"].write([company], {"tax_calculation_rounding_method": method})

    def show_discounts(self, *, shown: bool = True) -> bool:
        """Set whether lines show a pricelist's discount beside the price (group_discount_per_so_line)."""
        with self._committed() as env:
            env.state.set("show_discounts", shown)
            return True

    def lock_confirmed_orders(self, *, locked: bool = True) -> bool:
        """Set whether orders are locked when they are confirmed (group_auto_done_setting)."""
        with self._committed() as env:
            env.state.set("lock_confirmed_orders", locked)
            return True

    def install(self, *apps: str) -> bool:
        """Have apps installed: with `sale_project`, a confirmed line's product can't be changed."""
        with self._committed() as env:
            env.state.set("apps", sorted({*env.state.setting("apps", []), *apps}))
            return True

    def close_model(self, model: str, *, closed: bool = True) -> bool:
        """Take every right on a model from all users but the server itself, or give them back."""
        with self._committed() as env:
            others = {name for name in env.state.setting("closed_models", []) if name != model}
            env.state.set("closed_models", sorted(others | ({model} if closed else set())))
            return True
