"""What a look at an Odoo finds, in plain words."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["well", "look", "wrong"]

SALES = "Give the key's user the right 'Sales: User: All Documents'"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it (empty where it is well)."""

    level: Level
    text: str
    advice: str = ""
