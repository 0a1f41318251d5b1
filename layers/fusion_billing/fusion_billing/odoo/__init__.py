"""Odoo: reached over JSON-2 (19), JSON-RPC or XML-RPC (17, 18), its errors told apart by name."""
