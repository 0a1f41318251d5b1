"""What the kinds of middleware share."""

import logging
from collections.abc import Mapping

from fusion_billing_client.errors import FusionBillingError
from fusion_billing_client.meter import Meter
from fusion_billing_client.meter.identity import Quantity

log = logging.getLogger("fusion_billing_client.middleware")


def count(
    meter: Meter, subscription: str | None, metric: str, quantity: Quantity, properties: Mapping[str, str] | None
) -> None:
    """Count for a subscription, or nothing if there is none; an error is logged, since the work is done."""
    if subscription is None:
        return
    try:
        meter.count(subscription, metric, quantity, **(properties or {}))
    except (FusionBillingError, ValueError):
        log.exception("Usage of %s was not counted", metric)
