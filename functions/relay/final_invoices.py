"""Lines of ended subscriptions: Odoo won't invoice them by itself, so they are listed until somebody has."""

from collections.abc import Callable

from fusion_billing.decimals import ZERO
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import OdooError
from fusion_billing.odoo.standing import read_lines
from fusion_billing.store.billed_lines import BilledLines

MOST = 500
_SECONDS_A_CALL = 20.0


def waiting(store: BilledLines, odoo: Odoo, remaining: Callable[[], float]) -> int:
    """Take those off the list that are invoiced by now; return how many wait, as far as the list was read."""
    listed = store.final_invoices(MOST)
    if not listed or remaining() < _SECONDS_A_CALL:
        return len(listed)
    ids = sorted({line.odoo_id for line in listed if line.odoo_id is not None})
    try:
        held = read_lines(odoo, ids, lambda: min(_SECONDS_A_CALL, remaining()))
    except OdooError:
        return len(listed)  # the next synchronisation looks again
    invoiced = [line for line in listed if line.odoo_id in held and held[line.odoo_id].invoiced != ZERO]
    seen = sum(store.final_invoice_seen(line) for line in invoiced)
    return len(listed) - seen
