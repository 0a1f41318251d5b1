"""Messages on the rating queue (docs/data-model.md, Queues)."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.billing.planning import LIST_SHARDS
from fusion_billing.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

COMMIT_SECONDS = 10
"""How long what is asked for *before* a write waits for it. Asked for before, nothing is missed where the
process dies in between, and nothing is stored where the queue can't be reached."""

_BATCH = 10  # messages that one SendMessageBatch takes


class RatingJobs:
    """Asks rating to look again. One message too many does no harm; the daily sweep stands for a lost one."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Ask for one subscription, after `delay` seconds; raises `Unavailable`."""
        self._send([{"job": "subscription", "id": subscription}], delay)

    def sweep(self, charge: str | None = None, *, delay: int = 0) -> None:
        """Ask for every subscription, or for all that a charge is for, after `delay` seconds.

        Raises `Unavailable`.
        """
        only = {} if charge is None else {"charge": charge}
        self._send([{"job": "sweep", "list_shard": shard, **only} for shard in range(LIST_SHARDS)], delay)

    def _send(self, messages: list[Mapping[str, Any]], delay: int) -> None:
        for chunk in _chunks(messages):
            entries: Any = [
                {"Id": str(index), "MessageBody": json.dumps(message), "DelaySeconds": delay}
                for index, message in enumerate(chunk)
            ]
            try:
                answer = self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise Unavailable("the rating queue could not be reached: send it again") from error
            if answer.get("Failed"):
                raise Unavailable("the rating queue did not take every message: send it again")


def _chunks(messages: list[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    for start in range(0, len(messages), _BATCH):
        yield messages[start : start + _BATCH]
