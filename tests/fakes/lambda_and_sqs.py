"""SQS and Lambda as far as a chain of messages meets them: each message leads to the next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LAMBDAS_LIMIT = 16
"""After how many passages through a function Lambda ends a loop that it was not told of."""


@dataclass
class LambdaAndSqs:
    """SQS in front of a function, with the lineage that Lambda keeps in the trace header.

    Lambda counts how often an event passed through a function, and drops it after `LAMBDAS_LIMIT` times unless the
    function's recursive loops are allowed.
    """

    function: Callable[[Any, Any], Any]
    loops_are_allowed: bool
    waiting: list[dict[str, Any]] = field(default_factory=list)
    done: int = 0
    dropped: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    _lineage: int = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        del QueueUrl
        for entry in Entries:
            attributes = {
                name: {"dataType": value["DataType"], "stringValue": value["StringValue"]}
                for name, value in entry.get("MessageAttributes", {}).items()
            }
            trace = f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=7c9a2b1e:{self._lineage}"
            self.waiting.append(
                {
                    "messageId": str(self.done),
                    "body": entry["MessageBody"],
                    "messageAttributes": attributes,
                    "attributes": {"AWSTraceHeader": trace, "ApproximateReceiveCount": "1"},
                }
            )
        return {}

    def run(self, at_most: int = 10_000) -> None:
        """Deliver messages until none is left."""
        while self.waiting and self.done < at_most:
            record = self.waiting.pop(0)
            lineage = int(record["attributes"]["AWSTraceHeader"].rpartition(":")[2]) + 1
            if lineage > LAMBDAS_LIMIT and not self.loops_are_allowed:
                self.dropped += 1
                continue
            self._lineage, self.done = lineage, self.done + 1
            failures = self.function({"Records": [record]}, NoTime())["batchItemFailures"]
            self.failed += [record] if failures else []


class NoTime:
    """A context whose time is always nearly up, so that each worker does one page."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 1
