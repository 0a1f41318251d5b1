"""Run `fusion`; every error is one line, and no traceback."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from fusion_billing_client.errors import APIError, AuthenticationError, FusionBillingError, PermissionDeniedError

_ERROR, _USAGE, _INTERRUPTED = 1, 2, 130
_MOST_FAULTS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 for an error, 2 for a wrong call."""
    try:
        import typer

        from fusion_billing_client.cli.app import app
    except ImportError as error:
        return _say(f"{error.name} is not installed: pip install 'fusion-billing-client[cli]'", _ERROR)
    try:
        result = app(args=None if arguments is None else list(arguments), standalone_mode=False, prog_name="fusion")
    except typer.Exit as stopped:
        return stopped.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more can be written
        return _ERROR
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  a bug is raised again
        message, status = _line_and_status(error)
        return _say(message, status)
    return result if isinstance(result, int) else 0  # the status of typer.Exit


def _line_and_status(error: Any) -> tuple[str, int]:
    """Return the line for an error and the exit status; raises it again if it is a bug."""
    import typer

    from fusion_billing_client.cli.failures import Failure, UsageFailure

    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return "Interrupted", _INTERRUPTED
    if hasattr(error, "format_message"):  # an error of Click, which newer versions of Typer have within them
        return error.format_message(), error.exit_code
    if isinstance(error, FusionBillingError):
        return _in_words(error), _ERROR
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}", _ERROR
    if isinstance(error, UsageFailure):
        return str(error), _USAGE
    if isinstance(error, Failure | ValueError):
        return str(error), _ERROR
    raise error


def _in_words(error: FusionBillingError) -> str:
    if not isinstance(error, APIError):
        return str(error)
    if isinstance(error, AuthenticationError):
        return f"key: {error.detail or 'is not valid'}. Run fusion login, or set FUSION_KEY"
    if isinstance(error, PermissionDeniedError):
        return f"key: {error.detail}. Use a key with this scope: fusion keys create"
    if not error.errors:
        return f"{error.detail} ({error.code})"
    faults = "; ".join(f"{fault.field} {fault.message}".strip() for fault in error.errors[:_MOST_FAULTS])
    more = f" and {len(error.errors) - _MOST_FAULTS} more" if len(error.errors) > _MOST_FAULTS else ""
    return f"{faults}{more} ({error.code})"


def _say(message: str, status: int) -> int:
    print(f"fusion: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return status


def run() -> None:
    """Run the command, and exit."""
    sys.exit(main())


if __name__ == "__main__":
    run()
