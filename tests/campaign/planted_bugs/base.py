"""What a planted bug may change: the product's calls, its responses, or a piece of its code."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from tests.campaign.world import World

BUGS: dict[str, type["Bug"]] = {}
"""Every planted bug, by name."""

Send = Callable[..., Any]
_PLACEHOLDER = re.compile(r"[:#][A-Za-z_]\w*")


class Bug:
    """A bug; the first line of its docstring says what the product does then."""

    name: ClassVar[str] = ""
    kinds: ClassVar[tuple[str | None, ...]] = (None,)
    """The kinds of faults whose stories are searched, in turn; None: stories without a fault."""
    found_by: ClassVar[tuple[int, str | None]] = (1, None)
    """A seed and kind that found it, which are tried first."""

    def __init_subclass__(cls, *, name: str = "", **rest: Any) -> None:
        """Register a bug."""
        super().__init_subclass__(**rest)
        if name:
            cls.name = name
            BUGS[name] = cls

    def __init__(self, world: "World") -> None:
        self.world = world

    @property
    def function(self) -> str:
        """Return the function that runs."""
        frame = self.world.director.frame
        return "" if frame is None else frame.function

    def patches(self) -> Iterator[Any]:
        """Yield patches of the product's code."""
        yield from ()

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        """Make a call of DynamoDB, in its own way."""
        return send(**request)

    def sqs(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        """Make a call of SQS, in its own way."""
        return send(**request)

    def response(self, function: str, response: Any) -> Any:
        """Return an invocation's response, in its own way."""
        return response


class Altered:
    """A client whose calls go through a bug."""

    def __init__(self, client: Any, alter: Callable[[str, dict[str, Any], Send], Any]) -> None:
        self._client = client
        self._alter = alter

    def __getattr__(self, name: str) -> Any:
        """Return a method that goes through the bug; everything else is the client's."""
        value = getattr(self._client, name)
        if name.startswith("_") or not callable(value) or name in ("exceptions", "meta", "close"):
            return value
        return lambda **request: self._alter(name, request, value)


def unconditional(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a write without its condition, and without the names and values that only the condition used."""
    write = {name: value for name, value in request.items() if name != "ConditionExpression"}
    used = set(_PLACEHOLDER.findall(write.get("UpdateExpression", "")))
    for name in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {short: value for short, value in write.get(name, {}).items() if short in used}
        write.pop(name, None)
        if kept:
            write[name] = kept
    return write


def partition_key(request: Mapping[str, Any]) -> str:
    """Return the partition key of a call on one item."""
    key = request.get("Key") or request.get("Item") or {}
    return str(key.get("pk", {}).get("S", ""))
