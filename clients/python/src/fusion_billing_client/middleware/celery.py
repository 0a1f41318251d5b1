"""Count the tasks that Celery's workers finish."""

from collections.abc import Callable, Mapping
from typing import Any

from celery import signals

from fusion_billing_client.meter import Meter
from fusion_billing_client.meter.identity import Quantity
from fusion_billing_client.middleware.counting import count


def count_tasks(
    meter: Meter,
    *,
    subscription: Callable[[Any], str | None],
    metric: str = "tasks",
    quantity: Callable[[Any, Any], Quantity] = lambda _task, _result: 1,
    properties: Callable[[Any], Mapping[str, str]] = lambda task: {"task": str(task.name)},
) -> None:
    """Count each task that succeeds, from now on; call it once, where the Celery app is defined.

    Args:
        meter: The meter; worker processes that Celery forks share it.
        subscription: Returns the subscription of a task from the task, whose `request` has its arguments, or None.
        metric: The metric.
        quantity: Returns how much a task counts, from the task and its result.
        properties: Returns the properties to count with; by default the task's name.
    """

    def succeeded(sender: Any, result: Any = None, **_: Any) -> None:
        count(meter, subscription(sender), metric, quantity(sender, result), properties(sender))

    def shut_down(**_: Any) -> None:
        meter.close()

    signals.task_success.connect(succeeded, weak=False)
    signals.worker_process_shutdown.connect(shut_down, weak=False)
    signals.worker_shutdown.connect(shut_down, weak=False)
