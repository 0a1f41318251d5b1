"""Faults of webhook receivers."""

from random import Random

from tests.campaign.faults.base import Fault, Parameters
from tests.campaign.receivers import Behaviour


def _response(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class _Receiver(Fault):
    """A receiver that misbehaves towards the next connections."""

    listens = True
    most_times = 12

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"host": random.choice([None, "one.example.com"]), "times": random.choice([1, 2, cls.most_times])}

    def start(self) -> None:
        self.world.receivers.behaviours.append(self.decide)

    def stop(self) -> None:
        if self.decide in self.world.receivers.behaviours:
            self.world.receivers.behaviours.remove(self.decide)

    def decide(self, host: str) -> Behaviour | None:
        if self.parameters["host"] not in (None, host):
            return None
        self.parameters["times"] -= 1
        if self.parameters["times"] <= 0:
            self.stop()
        self.fire()
        return self.behaviour()

    def behaviour(self) -> Behaviour:
        raise NotImplementedError


class Hangs(_Receiver, kind="receiver_hangs"):
    """A receiver takes the message and never responds."""

    def behaviour(self) -> Behaviour:
        return Behaviour(hangs=True)


class HangsEmpty(_Receiver, kind="receiver_hangs_and_forgets"):
    """A receiver accepts the connection, takes nothing and never responds."""

    def behaviour(self) -> Behaviour:
        return Behaviour(hangs=True, takes_message=False)


class Fails(_Receiver, kind="receiver_fails"):
    """A receiver responds with 500."""

    def behaviour(self) -> Behaviour:
        return Behaviour(_response("500 Internal Server Error", body=b"oops"), takes_message=False)


class Gone(_Receiver, kind="receiver_gone"):
    """A receiver responds with 410, which disables its endpoint until somebody enables it."""

    most_times = 2

    def behaviour(self) -> Behaviour:
        return Behaviour(_response("410 Gone"), takes_message=False)


class TooMany(_Receiver, kind="receiver_too_many_requests"):
    """A receiver responds with 429 and Retry-After."""

    def behaviour(self) -> Behaviour:
        return Behaviour(_response("429 Too Many Requests", "Retry-After: 120"), takes_message=False)


class Redirects(_Receiver, kind="receiver_redirects"):
    """A receiver redirects elsewhere."""

    def behaviour(self) -> Behaviour:
        location = "Location: https://elsewhere.example.com/"
        return Behaviour(_response("302 Found", location), takes_message=False)


class RespondsInTwoParts(_Receiver, kind="receiver_interim_responses"):
    """A receiver sends interim responses (103) before its own."""

    def behaviour(self) -> Behaviour:
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        return Behaviour(early + _response("200 OK"))


class Lies(_Receiver, kind="receiver_lies"):
    """A receiver responds with 200 and loses the message: it has it only once it is replayed."""

    def behaviour(self) -> Behaviour:
        return Behaviour(_response("200 OK"), takes_message=False)


class Loses(_Receiver, kind="receiver_response_lost"):
    """A receiver takes the message, and its response is lost."""

    def behaviour(self) -> Behaviour:
        return Behaviour(b"")


class Refuses(_Receiver, kind="receiver_unreachable"):
    """A receiver accepts no connection."""

    def behaviour(self) -> Behaviour:
        return Behaviour(connects=False)


class Resets(_Receiver, kind="receiver_resets"):
    """A receiver resets the connection while it is sent the message."""

    def behaviour(self) -> Behaviour:
        return Behaviour(reset_on_send=True, takes_message=False)


class Huge(_Receiver, kind="receiver_huge_body"):
    """A receiver takes the message and responds with a body without end."""

    def behaviour(self) -> Behaviour:
        return Behaviour(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", endless=True)


class SlowBody(_Receiver, kind="receiver_slow_body"):
    """A receiver takes the message and sends its response a byte a second."""

    def behaviour(self) -> Behaviour:
        return Behaviour(_response("200 OK", body=b"x" * 100), seconds_a_byte=0.3)


class Garbage(_Receiver, kind="receiver_sends_garbage"):
    """A receiver takes the message and responds with what is no HTTP."""

    def behaviour(self) -> Behaviour:
        return Behaviour(b"\x00\x01 nothing that is HTTP\r\n\r\n")
