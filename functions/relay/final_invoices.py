"""Final invoices of ended subscriptions: their lines are listed until invoiced, then their period is closed.

Odoo's own invoicing does not come any more, so that no moved `next_invoice_date` tells of the invoice that a
person makes. The invoiced line tells of it. What is found to be due afterwards is an adjustment in the period
that opens, listed in its turn.
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
"""Closes a subscription's period, unless it is closed already."""


def waiting(store: FinalInvoiceLines, odoo: Odoo, remaining: Callable[[], float], close: Close) -> int:
    """Close the periods of listed lines that are invoiced by now; return how many lines wait, as far as read.

    A line is taken off the list after its period is closed: killed in between, the next run does both again.
    """
    listed = store.final_invoices(MOST)
    if not listed or remaining() < _SECONDS_A_CALL:
        return len(listed)
    ids = sorted({line.odoo_id for line in listed if line.odoo_id is not None})
    try:
        held = read_lines(odoo, ids, lambda: min(_SECONDS_A_CALL, remaining()))
    except OdooError:
        return len(listed)  # the next synchronisation looks again
    invoiced = [line for line in listed if _is_invoiced(line, held)]
    open_still = close_all({(line.key.subscription, line.key.period_start) for line in invoiced}, close)
    done = [line for line in invoiced if (line.key.subscription, line.key.period_start) not in open_still]
    for line in done:
        store.final_invoice_seen(line)  # unless rating froze it meanwhile, which takes it off as well
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


def _is_invoiced(line: StoredLine, held: dict[int, OdooLine]) -> bool:
    """Tell whether Odoo has invoiced a line."""
    if line.odoo_id is None or line.odoo_id not in held:
        return False
    return held[line.odoo_id].invoiced != ZERO
