"""`python -m fusion_billing.odoo.check.command`: check an Odoo database before the service uses it."""
