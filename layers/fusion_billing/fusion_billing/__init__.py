"""Fusion Billing: counts usage, rates it, and puts the overage onto Odoo subscriptions."""
