"""Call Odoo over JSON-2 (19), JSON-RPC or XML-RPC (17, 18), and classify its errors."""
