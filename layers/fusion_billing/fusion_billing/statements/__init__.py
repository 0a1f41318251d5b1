"""Statements: what a closed period was rated at, what Odoo invoiced, and a hash that proves it."""
