"""A fault campaign: the whole service in memory, while everything around it fails (docs/campaign.md)."""
