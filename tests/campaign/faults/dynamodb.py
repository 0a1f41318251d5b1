"""Faults of DynamoDB."""

from datetime import timedelta
from random import Random
from typing import Any, ClassVar

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tests.campaign.director import Call
from tests.campaign.faults.base import Counted, Fault, Parameters
from tests.memory_dynamodb.errors import client_error

_URL = "https://dynamodb.invalid"


class _Refused(Counted):
    """A call that fails and changes nothing."""

    most_skipped = 30
    most_times = 7
    functions = (None, None, "ingest", "rate", "relay", "admin")

    def matches(self, call: Call) -> bool:
        return call.is_dynamodb

    def before(self, call: Call) -> None:
        if self.is_due(call):
            raise self.error(call)

    def error(self, call: Call) -> Exception:
        raise NotImplementedError


class Throttled(_Refused, kind="dynamodb_throttled"):
    """DynamoDB throttles a whole call."""

    def error(self, call: Call) -> Exception:
        return client_error("ProvisionedThroughputExceededException", call.operation)


class ServerError(_Refused, kind="dynamodb_server_error"):
    """DynamoDB responds with 500."""

    def error(self, call: Call) -> Exception:
        return client_error("InternalServerError", call.operation, status=500)


class TimedOut(_Refused, kind="dynamodb_timed_out"):
    """A call of DynamoDB times out before it takes effect."""

    def error(self, call: Call) -> Exception:
        self.world.clock.sleep(5)
        return ReadTimeoutError(endpoint_url=_URL)


class Reset(_Refused, kind="dynamodb_reset"):
    """The connection to DynamoDB is reset before the call takes effect."""

    def error(self, call: Call) -> Exception:
        return ConnectionClosedError(endpoint_url=_URL)


class Unreachable(Fault, kind="dynamodb_unreachable"):
    """DynamoDB can't be reached at all, for seconds or minutes."""

    delays_rating = True

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"seconds": random.choice([1, 5, 20, 90, 600])}

    def start(self) -> None:
        super().start()
        self._until = self.world.clock.now + timedelta(seconds=self.parameters["seconds"])

    def before(self, call: Call) -> None:
        if self.world.clock.now >= self._until:
            self.stop()
        elif call.is_dynamodb:
            self.fire()
            raise EndpointConnectionError(endpoint_url=_URL)


class ThrottledKey(Fault, kind="dynamodb_throttled_key"):
    """One partition key is throttled for minutes, whatever is done to it."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"skip": random.randrange(30), "minutes": random.choice([1, 5, 20])}

    _key: Any = None

    def before(self, call: Call) -> None:
        key = self._of(call)
        if self._key is None and key is not None:
            self.parameters["skip"] -= 1
            if self.parameters["skip"] < 0:
                self._key = key
                self._until = self.world.clock.now + timedelta(minutes=self.parameters["minutes"])
        if self._key is None:
            return
        if self.world.clock.now >= self._until:
            self.stop()
        elif key == self._key:
            self.fire()
            raise client_error("ThrottlingException", call.operation)

    @staticmethod
    def _of(call: Call) -> Any:
        """Return the table and partition key of a call on one item."""
        key = call.request.get("Key") or call.request.get("Item")
        return (call.request["TableName"], str(key["pk"])) if key and "pk" in key else None


class LostResponse(Counted, kind="dynamodb_response_lost"):
    """A write takes effect, and its response is lost."""

    most_skipped = 25

    def matches(self, call: Call) -> bool:
        return call.writes

    def after(self, call: Call) -> None:
        if self.is_due(call):
            self.world.clock.sleep(5)
            raise ReadTimeoutError(endpoint_url=_URL)


class LostTransaction(Counted, kind="dynamodb_transaction_response_lost"):
    """A transaction takes effect, and its response is lost."""

    listens = True
    functions = (None, "rate", "relay")

    def matches(self, call: Call) -> bool:
        return call.operation == "TransactWriteItems"

    def after(self, call: Call) -> None:
        if self.is_due(call):
            raise ConnectionClosedError(endpoint_url=_URL)


class _Cancelled(Counted):
    """A transaction that is cancelled."""

    code: ClassVar[str]
    listens = True
    functions = (None, "rate", "relay")
    most_times = 8

    def matches(self, call: Call) -> bool:
        return call.operation == "TransactWriteItems"

    def before(self, call: Call) -> None:
        if self.is_due(call):
            error: Any = client_error("TransactionCanceledException", call.operation)
            count = len(call.request["TransactItems"])
            error.response["CancellationReasons"] = [{"Code": self.code}, *[{"Code": "None"}] * (count - 1)]
            raise error


class TransactionConflict(_Cancelled, kind="dynamodb_transaction_conflict"):
    """A transaction is canceled because another one writes the same items."""

    code = "TransactionConflict"


class TransactionThrottled(_Cancelled, kind="dynamodb_transaction_throttled"):
    """A transaction is canceled because one of its items is throttled."""

    code = "ThrottlingError"


class _LeftOver(Counted):
    """Parts of a batch that are left unprocessed."""

    operation: ClassVar[str]
    most_times = 8

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "function": None, "share": random.choice([0.01, 0.5, 1])}

    def matches(self, call: Call) -> bool:
        return call.operation == self.operation

    def left_over(self, call: Call, count: int) -> int:
        if not self.is_due(call):
            return 0
        share: float = self.parameters["share"]
        return max(1, min(count, round(count * share)))


class UnprocessedKeys(_LeftOver, kind="dynamodb_unprocessed_keys"):
    """BatchGetItem leaves keys unprocessed."""

    operation = "BatchGetItem"


class ThrottledStatements(_LeftOver, kind="dynamodb_throttled_statements"):
    """Single statements of a PartiQL batch are throttled."""

    operation = "BatchExecuteStatement"


class LostBatch(Counted, kind="dynamodb_batch_response_lost"):
    """A batch of statements takes effect, and its response is lost."""

    most_skipped = 6

    def matches(self, call: Call) -> bool:
        return call.operation == "BatchExecuteStatement"

    def after(self, call: Call) -> None:
        if self.is_due(call):
            raise ConnectionClosedError(endpoint_url=_URL)


class _Stale(Fault):
    """Reads that show the tables as they were a moment ago."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"seconds": random.choice([5, 60, 240]), "times": random.choice([1, 3, 20])}

    def start(self) -> None:
        super().start()
        self._then = self.world.dynamodb.snapshot()
        self._until = self.world.clock.now + timedelta(seconds=self.parameters["seconds"])

    def instead(self, call: Call) -> Any:
        if self.world.clock.now >= self._until or self.parameters["times"] <= 0:
            self.stop()
            return None
        if not self.matches(call):
            return None
        self.parameters["times"] -= 1
        self.fire()
        return self.read(call)

    def matches(self, call: Call) -> bool:
        raise NotImplementedError

    def read(self, call: Call) -> Any:
        raise NotImplementedError


class StaleIndex(_Stale, kind="dynamodb_stale_index"):
    """A global secondary index lags behind its table."""

    def matches(self, call: Call) -> bool:
        return call.operation == "Query" and "IndexName" in call.request

    def read(self, call: Call) -> Any:
        return self._then.query(**call.request)


class StaleRead(_Stale, kind="dynamodb_stale_read"):
    """A read that is not consistent returns an item as it was."""

    def matches(self, call: Call) -> bool:
        request = call.request
        is_query = call.operation == "Query" and "IndexName" not in request
        return (is_query or call.operation == "GetItem") and not request.get("ConsistentRead")

    def read(self, call: Call) -> Any:
        return self._then.query(**call.request) if call.operation == "Query" else self._then.get_item(**call.request)


class Slow(Counted, kind="dynamodb_slow"):
    """DynamoDB takes seconds for a call."""

    most_skipped = 30
    most_times = 20

    def matches(self, call: Call) -> bool:
        return call.is_dynamodb

    def before(self, call: Call) -> None:
        if self.is_due(call):
            self.world.clock.sleep(4)
