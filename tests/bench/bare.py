"""Record the calls of a piece of work and repeat them with the bare client: the floor of its cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

Call = tuple[str, dict[str, Any]]
"""A method of the client, and its parameters."""


@contextmanager
def recorded(client: Any) -> Iterator[list[Call]]:
    """Record the calls of every client while the block runs, named as methods of `client`."""
    made: list[Call] = []
    methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    kind: Any = type(client).__mro__[1]  # botocore's BaseClient, above the class it makes for the service
    original = kind._make_api_call

    def noted(self: Any, operation: str, parameters: Any) -> Any:
        # A copy, since a reader of pages changes its request as it goes on.
        made.append((methods[operation], dict(parameters)))
        return original(self, operation, parameters)

    kind._make_api_call = noted
    try:
        yield made
    finally:
        kind._make_api_call = original


def repeated(client: Any, calls: list[Call]) -> Callable[[], None]:
    """Return the work of repeating the calls. A call that fails now because it took effect before costs as much."""

    def work() -> None:
        for method, parameters in calls:
            with suppress(ClientError):
                getattr(client, method)(**parameters)

    return work
