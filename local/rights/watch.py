"""A watch on what the functions call: calls beyond their roles, and every right that they use.

DynamoDB Local allows everything to everybody. With the watch on, tests show that what a function does is what
template.yaml lets it do: `with watched() as watch: ...` gathers the calls that AWS would have denied.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from fusion_billing.dynamodb.webhooks.endpoint_secrets import EndpointSecrets
from fusion_billing.http.portal_authentication import PortalSecrets
from fusion_billing.messaging.queue import Queue
from fusion_billing.odoo.keys import from_secrets_manager
from fusion_billing.odoo.secret_store import SecretStore
from local.rights.calls import Use, uses
from local.rights.grants import granted

_ROOT = Path(__file__).resolve().parents[2]
_FUNCTIONS, _TESTS = f"{_ROOT / 'functions'}/", f"{_ROOT / 'tests'}/"
_IN_MEMORY = f"{_TESTS}memory_dynamodb/"
_FRAMES_LOOKED_AT = 200
_STARTED_BY = "_fusion_billing_started_by"
_RESOURCES = {
    "RATING_QUEUE_URL": "RatingQueue",
    "RELAY_QUEUE_URL": "RelayQueue",
    "ENDPOINT_KEY_ARN": "EndpointKey",
    "ODOO_API_KEY_SECRET_ARN": "OdooApiKeySecret",
    "PORTAL_SECRET_ARN": "PortalSecret",
}
_ADAPTERS = (
    (Queue, "sqs"),
    (EndpointSecrets, "kms"),
    (SecretStore, "secretsmanager"),
    (PortalSecrets, "secretsmanager"),
)

_granted = cache(granted)
_acting: ContextVar[str | None] = ContextVar("acting", default=None)


@dataclass(slots=True)
class Watch:
    """What the functions did: every right they used, and in words what their roles do not allow."""

    used: set[tuple[str, Use]] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)

    def note(self, service: str, operation: str, arguments: Mapping[str, Any]) -> None:
        """Note one call, if it is a function's."""
        function = _calling()
        if function is None:
            return
        for use in uses(service, operation, arguments, _names()):
            self.used.add((function, use.general()))
            if not any(grant.allows(use) for grant in _granted()[function]):
                about = f" with key {use.key}" if use.key else ""
                self.beyond.add(f"{function} may not {use.action} on {use.resource}{about}")


@contextmanager
def acting(function: str) -> Iterator[None]:
    """Have what the test itself calls count as the function's: a use case that the test builds as the function does."""
    token = _acting.set(function)
    try:
        yield
    finally:
        _acting.reset(token)


class _Noting:
    """A client whose calls are noted before they are made; it may stand for a test's fake."""

    def __init__(self, client: Any, service: str, watch: Watch) -> None:
        vars(self).update(_client=client, _service=service, _watch=watch)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._client, name, value)

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._client, name)
        if name in {"exceptions", "meta"}:
            return called

        def noted(**arguments: Any) -> Any:
            self._watch.note(self._service, "".join(word.capitalize() for word in name.split("_")), arguments)
            return called(**arguments)

        return noted


def _names() -> dict[str, str]:
    return {os.environ[setting]: name for setting, name in _RESOURCES.items() if setting in os.environ}


def _calling() -> str | None:
    """Return the function whose code is making the present call, None if it is a test's own.

    What a test does in the midst of a function's work, as another process might, is the test's own too. What a thread
    does is done by whoever started it.
    """
    frame = sys._getframe(3)  # noqa: SLF001  the caller of the call that is watched
    for _ in range(_FRAMES_LOOKED_AT):
        file = frame.f_code.co_filename
        if file.startswith(_FUNCTIONS):
            return file.removeprefix(_FUNCTIONS).partition("/")[0]
        if file.startswith(_TESTS) and not _stands_in(frame.f_code):
            return _acting.get()
        if frame.f_back is None:
            return getattr(threading.current_thread(), _STARTED_BY, None)
        frame = frame.f_back
    return None


def _stands_in(code: CodeType) -> bool:
    """Return whether a test's code stands for what the functions use: the engine, or an executor."""
    return code.co_filename.startswith(_IN_MEMORY) or code.co_qualname.startswith("InTurn.")


def _starting(original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def note_starter() -> str | None:
        return _calling()

    def start(self: threading.Thread) -> None:
        setattr(self, _STARTED_BY, note_starter())
        original(self)

    return start


@contextmanager
def watched() -> Iterator[Watch]:
    """Note each call of a function to AWS that its role does not allow, and what it uses of its role."""
    watch = Watch()
    every_client: Any = BaseClient
    original = every_client._make_api_call  # noqa: SLF001  every call of every client goes through it

    def watching(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        service = self.meta.service_model.service_name
        if service == "dynamodb":
            watch.note(service, operation, arguments)
        return original(self, operation, arguments)

    with ExitStack() as patches:
        patches.enter_context(patch.object(every_client, "_make_api_call", watching))
        patches.enter_context(patch.object(threading.Thread, "start", _starting(threading.Thread.start)))
        for adapter, service in _ADAPTERS:
            patches.enter_context(patch.object(adapter, "__init__", _made_noting(adapter, service, watch)))
        patches.enter_context(patch("fusion_billing.odoo.configuration.from_secrets_manager", _reading_noting(watch)))
        yield watch


def _made_noting(adapter: type, service: str, watch: Watch) -> Callable[..., None]:
    original: Any = adapter.__init__  # type: ignore[misc]

    def made(self: Any, client: Any, *arguments: Any, **options: Any) -> None:
        original(self, _Noting(client, service, watch), *arguments, **options)

    return made


def _reading_noting(watch: Watch) -> Callable[[Any, str], Callable[[], str]]:
    return lambda client, arn: from_secrets_manager(_Noting(client, "secretsmanager", watch), arn)
