"""The calls that a piece of work made, to make them again by the bare client: the floor of what it costs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

Call = tuple[str, dict[str, Any]]
"""A method of the client, and its parameters."""


@contextmanager
def recorded(client: Any) -> Iterator[list[Call]]:
    """Note the calls that every client makes meanwhile, named as methods of `client`."""
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
    """Return the work of making the calls again; what is refused now, since it was done, cost as much."""

    def work() -> None:
        for method, parameters in calls:
            with suppress(ClientError):
                getattr(client, method)(**parameters)

    return work
