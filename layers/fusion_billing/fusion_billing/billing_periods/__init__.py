"""Which billing periods a subscription has, and which of them Odoo has invoiced: pure."""
