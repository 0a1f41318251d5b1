"""The controls that do to an invoice what an accountant does in Odoo."""

from collections.abc import Callable
from typing import Any

from local.odoo import ledger
from local.odoo.engine import StandIn
from local.odoo.environment import SUPERUSER, Environment


class InvoiceControls:
    """Post, delete, cancel, credit."""

    _stand_in: StandIn

    def post_invoice(self, invoice: int) -> bool:
        """Confirm a draft invoice."""
        return bool(self._accounted(ledger.post, invoice))

    def delete_invoice(self, invoice: int) -> bool:
        """Delete a draft invoice: what it billed is to be invoiced again."""
        return bool(self._accounted(ledger.delete, invoice))

    def cancel_invoice(self, invoice: int) -> bool:
        """Cancel an invoice: what it billed is to be invoiced again."""
        return bool(self._accounted(ledger.cancel, invoice))

    def credit_invoice(self, invoice: int) -> int:
        """Credit a whole posted invoice; return the credit note: what it billed is to be invoiced again."""
        return int(self._accounted(ledger.credit, invoice))

    def _accounted(self, operation: Callable[[Environment, int], Any], invoice: int) -> Any:
        env = self._stand_in.environment(SUPERUSER, {"active_test": False}, sudo=True)
        with env.state.transaction():
            result = operation(env, invoice)
        return True if result is None else result
