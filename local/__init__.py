"""What only local running needs: the local cloud, the stand-in Odoo, the demo."""
