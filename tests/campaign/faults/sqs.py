"""Faults of SQS."""

from copy import copy
from random import Random
from typing import ClassVar

from botocore.exceptions import ReadTimeoutError

from tests.campaign.director import SENDS, Call
from tests.campaign.faults.base import Counted, Fault, Parameters, Within
from tests.campaign.world import VISIBILITY_SECONDS
from tests.lives.service import RATING, RELAY
from tests.memory_dynamodb.errors import client_error
from tests.memory_dynamodb.queues import Message

_URL = "https://sqs.invalid"


class _Delivered(Fault):
    """What happens once messages were done."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"queue": random.choice([RATING, RATING, RELAY]), "times": random.randrange(1, 4)}

    def start(self) -> None:
        self.world.delivered.append(self.look)

    def stop(self) -> None:
        if self.look in self.world.delivered:
            self.world.delivered.remove(self.look)

    def look(self, queue: str, messages: list[Message]) -> None:
        if queue != self.parameters["queue"]:
            return
        self.parameters["times"] -= 1
        if self.parameters["times"] <= 0:
            self.stop()
        self.fire()
        self.happen(queue, messages)

    def happen(self, queue: str, messages: list[Message]) -> None:
        raise NotImplementedError


class Duplicated(_Delivered, kind="sqs_duplicated"):
    """A message that was done is received again, at once."""

    def happen(self, queue: str, messages: list[Message]) -> None:
        for message in messages:
            self.world.sqs.put_back(queue, copy(message))


class NotDeleted(_Delivered, kind="sqs_not_deleted"):
    """A message that was done is not deleted: it is received again after its visibility time-out."""

    def happen(self, queue: str, messages: list[Message]) -> None:
        for message in messages:
            self.world.sqs.put_back(queue, copy(message), delay=VISIBILITY_SECONDS)


class _Waiting(Fault):
    """What happens to the messages that wait."""

    most_times: ClassVar[int] = 3

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {
            "queue": random.choice([RATING, RELAY]),
            "minutes": random.choice([1, 5, 20]),
            "times": random.randrange(1, cls.most_times + 1),
        }

    def after(self, call: Call) -> None:
        if call.operation not in SENDS or call.request["QueueUrl"] != self.parameters["queue"]:
            return
        self.parameters["times"] -= 1
        if self.parameters["times"] <= 0:
            self.stop()
        if self.happen(self.parameters["queue"]):
            self.fire()

    def happen(self, queue: str) -> bool:
        raise NotImplementedError


class Delayed(_Waiting, kind="sqs_delayed"):
    """Messages arrive minutes late."""

    def happen(self, queue: str) -> bool:
        waiting = self.world.sqs.waiting(queue)
        for message in waiting:
            message.visible_at += self.parameters["minutes"] * 60
        return bool(waiting)


class Reordered(_Waiting, kind="sqs_reordered"):
    """Messages are received in another order than they were sent."""

    most_times = 6

    def happen(self, queue: str) -> bool:
        waiting = self.world.sqs.waiting(queue)
        times = [message.visible_at for message in waiting]
        for message, seconds in zip(waiting, reversed(times), strict=True):
            message.visible_at = seconds
        self.world.sqs.reverse(queue)
        return len(waiting) > 1


class SendRefused(Counted, kind="sqs_send_refused"):
    """SQS refuses to take messages."""

    functions = (None, "rate", "relay", "admin")
    most_skipped = 4

    def matches(self, call: Call) -> bool:
        return call.operation in SENDS

    def before(self, call: Call) -> None:
        if self.is_due(call):
            raise client_error("RequestThrottled", call.operation, status=403)


class SendUnanswered(Counted, kind="sqs_send_response_lost"):
    """SQS takes messages, and its response is lost."""

    functions = (None, "rate", "relay", "admin")
    most_skipped = 4

    def matches(self, call: Call) -> bool:
        return call.operation in SENDS

    def after(self, call: Call) -> None:
        if self.is_due(call):
            raise ReadTimeoutError(endpoint_url=_URL)


class SendPartly(Counted, kind="sqs_send_partly_failed"):
    """SQS takes a part of a batch."""

    functions = (None,)
    most_skipped = 3
    most_times = 6

    def matches(self, call: Call) -> bool:
        return call.operation == "SendMessageBatch"

    def left_over(self, call: Call, count: int) -> int:
        return max(1, count // 2) if self.is_due(call) else 0


class VisibleAgain(Within, kind="sqs_visible_while_in_process"):
    """The visibility time-out of messages passes while they are in process: two consumers work on them at once."""

    functions = ("rate", "relay")
    most_skipped = 40

    def matches(self, call: Call) -> bool:
        return bool(self.world.handling) and super().matches(call)

    def happen(self, call: Call) -> None:
        queue, messages = self.world.handling[-1]
        self.world.handle(queue, [copy(message) for message in messages])
