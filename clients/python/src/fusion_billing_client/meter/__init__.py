"""Count usage into a local ledger, and push it in the background."""

from fusion_billing_client.meter.meter import Meter
from fusion_billing_client.meter.reports import FlushReport, Status
from fusion_billing_client.meter.rows import Rejected

__all__ = ["FlushReport", "Meter", "Rejected", "Status"]
