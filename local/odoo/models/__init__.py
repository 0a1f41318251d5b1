"""The models the stand-in knows. Importing this package enters them all into the registry."""

from local.odoo.models import invoice_lines, invoices, lines, orders, parties, products, technical, users

__all__ = ["invoice_lines", "invoices", "lines", "orders", "parties", "products", "technical", "users"]
