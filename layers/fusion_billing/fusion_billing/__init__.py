"""Fusion Billing: counts usage, rates it, and puts the overage onto Odoo subscriptions."""

__version__ = "0.1.0"
