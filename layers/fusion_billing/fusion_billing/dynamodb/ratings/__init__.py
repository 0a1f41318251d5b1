"""The ratings table: ratings, their order lines, closings, statements."""
