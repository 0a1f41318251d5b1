"""Requests to rate again, on the rating queue (docs/data-model.md, Queues)."""

from typing import TYPE_CHECKING

from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.rating_messages import SubscriptionJob, sweep_jobs

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

COMMIT_SECONDS = 10
"""Delay of a request that is sent before the write it is about, which the write fits in. Sent before it, the request
is not lost if the process dies in between, and nothing is stored if the queue cannot be reached."""


class RatingJobs:
    """Asks for ratings. A repeated request does no harm, and the daily sweep stands in for a lost one."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._queue = Queue(client, queue_url)

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Request the rating of one subscription after `delay` seconds; raises `Unavailable`."""
        self._queue.send([SubscriptionJob(subscription=subscription)], delay_seconds=delay)

    def sweep(self, charge: str | None = None, *, delay: int = 0) -> None:
        """Request the rating of all subscriptions, or of all that a charge applies to, after `delay` seconds.

        Raises `Unavailable`.
        """
        self._queue.send(sweep_jobs(charge), delay_seconds=delay)
