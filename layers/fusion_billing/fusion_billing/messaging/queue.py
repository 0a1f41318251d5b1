"""The one sender of messages to the service's own queues (SQS)."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.errors import Unavailable
from fusion_billing.json_types import JsonObject
from fusion_billing.messaging.hops import HOPS
from fusion_billing.retry import RetryPolicy

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH_SIZE = 10  # messages that one SendMessageBatch takes

SENDING = RetryPolicy(max_attempts=4, first_pause=0.1)
ONCE = RetryPolicy(max_attempts=1)
"""For messages that a schedule stands in for: their sender does not wait."""


class Message(Protocol):
    """A message of `messaging.messages`."""

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""


class Queue:
    """One queue. When `send` returns, the queue has the messages."""

    def __init__(self, client: "SQSClient", url: str, *, retry: RetryPolicy = SENDING) -> None:
        self._client = client
        self._url = url
        self._retry = retry

    def send(self, messages: Iterable[Message], *, delay_seconds: int = 0) -> int:
        """Send messages, all after the same delay, and return their number.

        Raises `Unavailable` if the queue did not accept all of them.
        """
        return self.send_delayed((message, delay_seconds) for message in messages)

    def send_delayed(self, messages: Iterable[tuple[Message, int]]) -> int:
        """Send messages, each after its own delay in seconds, and return their number.

        Raises `Unavailable` if the queue did not accept all of them.
        """
        sent = 0
        remaining = iter(messages)
        while batch := list(islice(remaining, _BATCH_SIZE)):
            self._send(batch)
            sent += len(batch)
        return sent

    def _send(self, batch: Sequence[tuple[Message, int]]) -> None:
        attributes = HOPS.attributes()
        entries: list[Any] = [
            {
                "Id": str(index),
                "MessageBody": json.dumps(message.to_json(), separators=(",", ":")),
                "DelaySeconds": delay,
                **({"MessageAttributes": attributes} if attributes else {}),
            }
            for index, (message, delay) in enumerate(batch)
        ]
        for _ in self._retry.attempts():
            try:
                response = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise Unavailable("The queue cannot be reached: send the request again") from error
            failed = {failure["Id"] for failure in response.get("Failed", ())}
            entries = [entry for entry in entries if entry["Id"] in failed]
            if not entries:
                return
        raise Unavailable(f"The queue did not accept {len(entries)} messages: send the request again")
