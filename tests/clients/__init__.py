"""What the tests of the clients run against."""
