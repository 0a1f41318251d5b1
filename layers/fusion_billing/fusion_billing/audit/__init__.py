"""The audit log: who changed what through the API, from what, to what. Pure."""
