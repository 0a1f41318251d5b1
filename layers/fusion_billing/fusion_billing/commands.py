"""Run the commands of the package: a result on standard output, or one line on standard error and an exit status."""

import sys
from collections.abc import Callable

from fusion_billing.dynamodb.errors import command_problem


def run(command: Callable[[], None], table: str) -> int:
    """Run a command; return 0, or 1 after printing what keeps it from using `table`.

    An error that nobody expects passes through, for its traceback.
    """
    try:
        command()
    except Exception as error:
        problem = command_problem(error, table)
        if problem is None:
            raise
        return failed(problem)
    return 0


def report(text: str) -> None:
    """Print a line of the result, at once."""
    print(text, flush=True)  # noqa: T201


def failed(message: str, status: int = 1) -> int:
    """Print what went wrong; return the exit status."""
    print(message, file=sys.stderr)  # noqa: T201
    return status
