"""A stand-in for an Odoo 19 server: its External JSON-2 API (and the older RPC) over SQLite state."""
