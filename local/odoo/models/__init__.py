"""The models the stand-in knows. Importing this package enters them all into the registry."""

from local.odoo.models import invoices, lines, orders, parties, products, technical, users

__all__ = ["invoices", "lines", "orders", "parties", "products", "technical", "users"]
