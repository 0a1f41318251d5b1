"""Prepare the events about order lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.instants import rfc3339
from fusion_billing.odoo_lines.line_item import LineItem
from fusion_billing.webhooks.publishing import NOTHING, EventPublisher, Prepared

logger = Logger()


def prepare_line_event(
    events: EventPublisher, type_: str, line: tuple[StoredLine, LineItem], data: Mapping[str, object], now: datetime
) -> Prepared:
    """Return an event about a line: `data`, with its period's end, its version, and the period that it corrects.

    Returns `NOTHING` if the event can't be built: the line matters more than its event.
    """
    stored, line_item = line
    about: dict[str, Any] = {"period_end": rfc3339(line_item.period_end), "version": stored.version}
    if line_item.metric is not None:
        about["metric"] = line_item.metric
    if line_item.corrects is not None:
        about["corrects"] = rfc3339(line_item.corrects.start)
    try:
        return events.prepare(
            type_,
            subscription=line_item.subscription,
            plan=line_item.plan,
            metric=line_item.metric,
            data={**data, **about},
            now=now,
        )
    except ValueError:
        logger.exception("event could not be prepared", type=type_, line=stored.key.line)
        return NOTHING
