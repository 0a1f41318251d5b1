"""Count the calls of a function."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

from fusion_billing_client.meter import Meter
from fusion_billing_client.meter.identity import Quantity
from fusion_billing_client.middleware.counting import count

P = ParamSpec("P")
R = TypeVar("R")


def counted(
    meter: Meter,
    metric: str,
    *,
    subscription: str | Callable[..., str | None],
    quantity: Quantity | Callable[[Any], Quantity] = 1,
    properties: Mapping[str, str] | Callable[..., Mapping[str, str]] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count each call of a function, or of a coroutine function, that returns; one that raises is not counted.

    Args:
        meter: The meter.
        metric: The metric.
        subscription: The name of the function's parameter that is the subscription, or a function of the arguments.
        quantity: How much a call counts, or a function of its result.
        properties: The properties to count with, or a function of the arguments.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        if isinstance(subscription, str) and subscription not in signature.parameters:
            raise ValueError(f"subscription: {function.__name__} has no parameter {subscription!r}")

        def count_call(result: Any, *args: Any, **kwargs: Any) -> None:
            if isinstance(subscription, str):
                bound = signature.bind(*args, **kwargs)
                bound.apply_defaults()
                of = bound.arguments[subscription]
            else:
                of = subscription(*args, **kwargs)
            amount = quantity(result) if callable(quantity) else quantity
            named = properties(*args, **kwargs) if callable(properties) else properties
            count(meter, of, metric, amount, named)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                result = await function(*args, **kwargs)
                count_call(result, *args, **kwargs)
                return result

            return cast("Callable[P, R]", call_async)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result = function(*args, **kwargs)
            count_call(result, *args, **kwargs)
            return result

        return call

    return decorate
