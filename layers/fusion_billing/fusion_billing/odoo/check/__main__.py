"""`python -m fusion_billing.odoo.check`."""

import sys

from fusion_billing.odoo.check.command import main

sys.exit(main())
