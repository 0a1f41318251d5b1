"""All kinds of faults; `KINDS` has them by name."""

from tests.campaign.faults import app, dynamodb, odoo, people, processes, receivers, sqs
from tests.campaign.faults.base import KINDS, Fault

__all__ = ["KINDS", "Fault", "app", "dynamodb", "odoo", "people", "processes", "receivers", "sqs"]
