"""Errors of the command line: one line that names what is wrong and what to do."""


class UsageFailure(Exception):
    """The command was called wrongly; exit status 2."""


class Failure(Exception):
    """The command could not do what it was asked to; exit status 1."""
