"""The ratings table: ratings, their order lines, closed periods, statements."""
