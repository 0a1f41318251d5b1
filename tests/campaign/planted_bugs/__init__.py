"""Bugs that the campaign must find: monkeypatches of the product, each found within 200 seeds."""

from tests.campaign.planted_bugs import behaviour, storage, terms
from tests.campaign.planted_bugs.base import BUGS, Altered, Bug

__all__ = ["BUGS", "Altered", "Bug", "behaviour", "storage", "terms"]
