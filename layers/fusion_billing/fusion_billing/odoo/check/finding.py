"""One finding of odoo-check."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]

SALES = "Give the API user the access right 'Sales: User: All Documents'"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it (empty if all is well)."""

    level: Level
    text: str
    advice: str = ""
