"""Webhook receivers in memory: what the sender's sockets are connected to, and what they got.

The sender's own code runs whole, above a socket: how it reads, where it stops, what it takes for a success.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.campaign.director import Director
from tests.lives.service import Clock

OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that a receiver got, with a signature that holds."""

    id: str
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        """Return the message: `type`, `timestamp` and `data`."""
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Behaviour:
    """How a receiver behaves towards one connection: a receiver that works, unless a fault says otherwise."""

    response: bytes = OK
    takes_message: bool = True
    connects: bool = True
    reset_on_send: bool = False
    hangs: bool = False
    seconds_a_byte: float = 0.0
    endless: bool = False


@dataclass
class Receiver:
    """One receiver and what arrived at it."""

    host: str
    secret: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    unsigned: int = 0


class Receivers:
    """All receivers, by host."""

    def __init__(self, clock: Clock, director: Director) -> None:
        self.clock = clock
        self.director = director
        self.by_host: dict[str, Receiver] = {}
        self.behaviours: list[Callable[[str], Behaviour | None]] = []
        """What faults say of the next connections; the first that has something to say decides."""

    def add(self, host: str) -> Receiver:
        """Add a receiver that works."""
        return self.by_host.setdefault(host, Receiver(host))

    def connect(self, *_: Any) -> "Socket":
        """Return a socket that is connected to whatever host the TLS layer will name."""
        return Socket(self)

    def behaviour(self, host: str) -> Behaviour:
        """Return how the receiver behaves now."""
        for decide in list(self.behaviours):
            decided = decide(host)
            if decided is not None:
                return decided
        return Behaviour()

    def take(self, host: str, headers: dict[str, str], body: bytes) -> None:
        """Note a message whose signature holds."""
        receiver = self.by_host[host]
        key = base64.b64decode(receiver.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signature = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if signature in headers["webhook-signature"].split(" "):
            receiver.arrivals.append(Arrival(headers["webhook-id"], body, self.clock.seconds()))
        else:
            receiver.unsigned += 1


class Socket:
    """The sender's end of a connection to a receiver."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self._host = ""
        self._timeout = 0.0
        self._sent = b""
        self._response: bytes | None = None
        self._behaviour = Behaviour()

    def named(self, host: str) -> "Socket":
        """Begin TLS with a host."""
        self._host = host
        self._receivers.director.before_call("Deliver", {"host": host})
        self._behaviour = self._receivers.behaviour(host)
        if not self._behaviour.connects:
            raise ConnectionRefusedError
        return self

    def settimeout(self, seconds: float) -> None:
        """Set how long a step may take."""
        self._timeout = seconds

    def send(self, data: memoryview) -> int:
        """Take a part of the request; the receiver acts on it once it is whole."""
        if self._behaviour.reset_on_send:
            raise ConnectionResetError
        self._sent += bytes(data)
        head, separator, body = self._sent.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if separator and len(body) == int(headers["content-length"]) and self._response is None:
            if self._behaviour.takes_message:
                self._receivers.take(self._host, headers, body)
            self._response = self._behaviour.response
            self._receivers.director.after_call("Deliver", {"host": self._host}, {})
        return len(data)

    def recv_into(self, buffer: memoryview) -> int:
        """Give a part of the response, as slowly as the receiver sends it."""
        behaviour, clock = self._behaviour, self._receivers.clock
        if behaviour.hangs:
            clock.sleep(self._timeout)
            raise TimeoutError("timed out")
        remaining = self._response or b""
        count = min(len(buffer), 1 if behaviour.seconds_a_byte else len(remaining) or 1)
        part = remaining[:count] or (b"x" * len(buffer) if behaviour.endless else b"")
        if behaviour.seconds_a_byte:
            if behaviour.seconds_a_byte > self._timeout:
                clock.sleep(self._timeout)
                raise TimeoutError("timed out")
            clock.sleep(behaviour.seconds_a_byte)
        self._response = remaining[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Close the connection."""
