"""Messages to the service's own queues (SQS), JSON each."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from fusion_billing.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_AT_ONCE = 10  # SQS takes no more in one call
_TRIES = 4
_FIRST_PAUSE = 0.1


class Queue:
    """One queue; what it is sent has arrived once `send` returns."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Iterable[Mapping[str, Any]]) -> int:
        """Send messages and return how many; raises `Unavailable` where some were not taken."""
        sent = 0
        rest = iter(messages)
        while batch := list(islice(rest, _AT_ONCE)):
            self._send(batch)
            sent += len(batch)
        return sent

    def _send(self, batch: Sequence[Mapping[str, Any]]) -> None:
        entries = [
            {"Id": str(index), "MessageBody": json.dumps(message, separators=(",", ":"))}
            for index, message in enumerate(batch)
        ]
        for tried in range(_TRIES):
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            failed = {one["Id"] for one in answer.get("Failed", ())}
            if not failed:
                return
            entries = [entry for entry in entries if entry["Id"] in failed]
            time.sleep(_FIRST_PAUSE * 2**tried)
        raise Unavailable(f"the queue did not take {len(entries)} messages")
