"""Turn ratings into order lines: quantity, price, name, external id. Pure."""
