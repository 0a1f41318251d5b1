"""A connection with limits on time and bytes for the whole exchange, not for each call."""

import io
import socket
from collections.abc import Callable

MAX_RESPONSE_BYTES = 64 * 1024
_CHUNK = 16 * 1024


class Deadline:
    """A deadline on a monotonic clock; it can be brought forward, never postponed."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def shorten(self, seconds: float) -> None:
        """Allow at most `seconds` from now."""
        self._at = min(self._at, self._clock() + seconds)

    def left(self, most: float) -> float:
        """Return the seconds that one step may take, `most` at most; `TimeoutError` if none is left."""
        left = self._at - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return min(left, most)


class BoundedConnection:
    """A connected socket, for `http.client.HTTPResponse` to read a response from.

    An endpoint that sends a byte a second is cut off by the deadline, one that never ends by the number of
    bytes: reading past `LONGEST_ANSWER` looks like the connection's end.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, *, read_seconds: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._read_seconds = read_seconds
        self.room = MAX_RESPONSE_BYTES

    def send(self, message: bytes) -> None:
        """Send all of `message`, however slowly the other side takes it, within the deadline."""
        view = memoryview(message)
        while view:
            self._sock.settimeout(self._deadline.left(self._read_seconds))
            view = view[self._sock.send(view[:_CHUNK]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the response as a file, as `HTTPResponse` requires of a socket."""
        return io.BufferedReader(_Answer(self), buffer_size=_CHUNK)

    def receive_into(self, buffer: memoryview) -> int:
        """Read what there is, within what is left of time and bytes; 0 at the end of it, or of the room."""
        if self.room <= 0:
            return 0
        self._sock.settimeout(self._deadline.left(self._read_seconds))
        count = self._sock.recv_into(buffer[: self.room])
        self.room -= count
        return count


class _Answer(io.RawIOBase):
    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        return self._connection.receive_into(memoryview(buffer).cast("B"))  # type: ignore[arg-type]
