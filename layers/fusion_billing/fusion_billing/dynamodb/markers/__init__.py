"""The markers table: which pairs changed in which hour."""
