"""SQS in memory: queues by their URL, with delays, by a clock of the test's own."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.memory_dynamodb.hooks import Hooks

_MOST = 10


@dataclass(slots=True)
class Message:
    """A message, received from `visible_at` on (seconds by the clock)."""

    id: str
    body: str
    visible_at: float
    received: int = 0


class MemorySQS:
    """Queues in memory and a client of them; each is made by its first message."""

    def __init__(self, clock: Callable[[], float], hooks: Hooks | None = None) -> None:
        self.hooks = hooks or Hooks()
        self._clock = clock
        self._numbers = itertools.count(1)
        self._queues: dict[str, list[Message]] = {}

    def send_message(self, **request: Any) -> dict[str, Any]:
        """Send one message."""
        self.hooks.before_call("SendMessage", request)
        sent = self._put(request["QueueUrl"], request)
        answer = {"MessageId": sent.id}
        self.hooks.after_call("SendMessage", request, answer)
        return answer

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to ten messages."""
        entries = request["Entries"]
        if not 1 <= len(entries) <= _MOST or len({entry["Id"] for entry in entries}) != len(entries):
            raise ValueError("a batch holds one to ten messages, each with an id of its own")
        self.hooks.before_call("SendMessageBatch", request)
        done = len(entries) - self.hooks.left_over("SendMessageBatch", len(entries))
        sent = [self._put(request["QueueUrl"], entry) for entry in entries[:done]]
        answer: dict[str, Any] = {
            "Successful": [
                {"Id": entry["Id"], "MessageId": message.id} for entry, message in zip(entries, sent, strict=False)
            ]
        }
        if done < len(entries):
            failed = {"Code": "InternalError", "SenderFault": False}
            answer["Failed"] = [{"Id": entry["Id"], **failed} for entry in entries[done:]]
        self.hooks.after_call("SendMessageBatch", request, answer)
        return answer

    def receive(self, url: str, most: int = _MOST) -> list[Message]:
        """Take up to `most` messages that are visible now, the oldest first; put back what was not done."""
        queue = self._queues.setdefault(url, [])
        now = self._clock()
        taken = [message for message in queue if message.visible_at <= now][:most]
        for message in taken:
            queue.remove(message)
            message.received += 1
        return taken

    def put_back(self, url: str, message: Message, *, delay: float = 0.0) -> None:
        """Have a message received again."""
        message.visible_at = self._clock() + delay
        self._queues[url].append(message)

    def reverse(self, url: str) -> None:
        """Have the messages of a queue received in reverse order."""
        self._queues[url].reverse()

    def waiting(self, url: str) -> list[Message]:
        """Return all messages of a queue, visible or not."""
        return list(self._queues.get(url, ()))

    def purge(self, url: str) -> None:
        """Delete all messages of a queue."""
        self._queues.pop(url, None)

    def next_at(self, url: str) -> float | None:
        """Return when the next message is visible, None where there is none."""
        return min((message.visible_at for message in self._queues.get(url, ())), default=None)

    def _put(self, url: str, entry: Mapping[str, Any]) -> Message:
        delay = float(entry.get("DelaySeconds", 0))
        message = Message(f"m{next(self._numbers)}", entry["MessageBody"], self._clock() + delay)
        self._queues.setdefault(url, []).append(message)
        return message
