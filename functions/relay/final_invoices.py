"""Final invoices of ended subscriptions: their lines are listed until invoiced, then their period is closed.

Odoo no longer invoices these orders by itself, so `next_invoice_date` does not move when a person creates the final
invoice. The invoiced line shows that it exists. What is due afterwards is an adjustment in the period that opens,
which is listed in the same way.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from aws_lambda_powertools import Logger

from functions.relay.ports import FinalInvoiceLines
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.errors import FusionError
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import OdooError
from fusion_billing.odoo.order_line_reading import OdooLine, read_lines

MOST = 500
_SECONDS_A_CALL = 20.0

logger = Logger()

Period = tuple[str, datetime]
"""A subscription, and the start of the period that a line of it is billed in."""

Close = Callable[[str, datetime], object]
"""Closes a period of a subscription unless it is closed already."""


def waiting(store: FinalInvoiceLines, odoo: Odoo, remaining: Callable[[], float], close: Close) -> int:
    """Close the periods of listed lines that are invoiced by now; return how many of the lines read still wait.

    A line is removed from the list after its period is closed: if a run stops in between, the next one does both again.
    """
    listed = store.final_invoices(MOST)
    if not listed or remaining() < _SECONDS_A_CALL:
        return len(listed)
    ids = sorted({line.odoo_id for line in listed if line.odoo_id is not None})
    try:
        odoo_lines = read_lines(odoo, ids, lambda: min(_SECONDS_A_CALL, remaining()))
    except OdooError:
        return len(listed)  # the next synchronization reads them again
    invoiced = [line for line in listed if _is_invoiced(line, odoo_lines)]
    still_open = close_all({(line.key.subscription, line.key.period_start) for line in invoiced}, close)
    done = [line for line in invoiced if (line.key.subscription, line.key.period_start) not in still_open]
    for line in done:
        store.final_invoice_seen(line)  # rating may have frozen it, which removes it as well
    return len(listed) - len(done)


def close_all(periods: Iterable[Period], close: Close) -> set[Period]:
    """Close the periods of final invoices that were seen; return those that could not be closed for now."""
    failed = set()
    for subscription, start in sorted(periods):
        try:
            close(subscription, start)
        except FusionError as error:
            logger.warning("period of a final invoice could not be closed", subscription=subscription, error=error.code)
            failed.add((subscription, start))
    return failed


def _is_invoiced(line: StoredLine, odoo_lines: dict[int, OdooLine]) -> bool:
    """Return whether Odoo has invoiced a line."""
    if line.odoo_id is None or line.odoo_id not in odoo_lines:
        return False
    return odoo_lines[line.odoo_id].invoiced != ZERO
