"""How a rating becomes a line of a sales order: quantity, price, name, external id. Pure."""
