"""What may go wrong at any step of a run of the relay: each write to the table, each call to Odoo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fusion_billing.odoo.errors import ConnectionLost, ReadTimeout
from fusion_billing.odoo.transport import Response
from local.odoo.faults import Hangup
from local.odoo.json2 import Request
from local.odoo.server import Server

WRITES = frozenset({"update_item", "put_item", "delete_item", "transact_write_items", "batch_execute_statement"})

Kind = Literal["none", "killed_before", "killed_after", "lost", "lost_from_here", "late", "repeated", "invoiced"]


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Disturbance:
    """Has `kind` happen at step `at`; `invoice` is what Odoo does meanwhile where that is the kind.

    `steps` counts what was begun, `late` gathers calls that Odoo carries out after everybody gave them up.
    """

    kind: Kind = "none"
    at: int = -1
    invoice: Callable[[], object] = lambda: None
    steps: int = 0
    is_dead: bool = False
    late: list[Callable[[], object]] = field(default_factory=list)

    def step(self, do: Callable[[], Any], *, is_call: bool) -> Any:
        """Do one step, or what is to happen instead."""
        if self.is_dead:
            raise Killed
        number, self.steps = self.steps, self.steps + 1
        if self.kind == "lost_from_here" and is_call and number > self.at >= 0:
            do()
            raise ConnectionLost("lost")
        if number != self.at:
            return do()
        if self.kind == "killed_before":
            self.is_dead = True
            raise Killed
        if self.kind == "invoiced":
            self.invoice()
        if is_call and self.kind == "late":
            self.late.append(do)
            raise ReadTimeout("no response in time")
        if is_call and self.kind == "repeated":
            do()
        result = do()
        if is_call and self.kind in ("lost", "lost_from_here"):
            raise ConnectionLost("lost")
        if self.kind == "killed_after":
            self.is_dead = True
            raise Killed
        return result


@dataclass
class Table:
    """A DynamoDB client whose writes are steps."""

    client: Any
    disturbance: Disturbance

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if name in WRITES:
            return lambda **given: self.disturbance.step(lambda: method(**given), is_call=False)

        def read(**given: Any) -> Any:
            if self.disturbance.is_dead:
                raise Killed
            return method(**given)

        return read


@dataclass
class Wire:
    """Odoo in this process, each call of which is a step."""

    server: Server
    disturbance: Disturbance

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        """See `transport.Http`."""
        lowered = {name.lower(): value for name, value in headers.items()}

        def do() -> Response:
            try:
                response = self.server.response(Request("POST", path, lowered, body))
            except Hangup:
                raise ConnectionLost("lost") from None
            return Response(response.status, response.content_type.partition(";")[0], response.body)

        return self.disturbance.step(do, is_call=True)  # type: ignore[no-any-return]
