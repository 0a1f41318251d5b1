"""The stable import path of `billing_period`; the code is `billing_periods.schedule`."""

from fusion_billing.billing_periods.schedule import billing_period

__all__ = ["billing_period"]
