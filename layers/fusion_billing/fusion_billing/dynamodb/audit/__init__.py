"""The audit table: entries of the audit log."""
