"""The protocols Odoo is reached over: JSON-2, JSON-RPC, XML-RPC."""
