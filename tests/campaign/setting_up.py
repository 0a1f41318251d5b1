"""Sets a world up: its tables, its Odoo, and the patches that put it around the product."""

import json
import secrets
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from functions.admin.services.endpoints import Webhooks
from fusion_billing import composition
from fusion_billing.application.outbox import Outbox
from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.audit.recorder import Recorder
from fusion_billing.dynamodb import client as store_client
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.odoo import client as odoo_client
from fusion_billing.outbound import guarded_connection
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.outbound.webhook_sender import WebhookSender
from local import tables as template_tables
from tests.campaign import containers
from tests.campaign.director import Director, seeded
from tests.campaign.odoo import Http, LinesUnderWay
from tests.campaign.planted_bugs.base import Altered, Bug
from tests.campaign.receivers import Receivers
from tests.campaign.world import World
from tests.lives import odoo as lives_odoo
from tests.lives.service import DEFINITIONS, Clock, InTurn, environment, operator
from tests.memory_dynamodb import MemoryDynamoDB, MemorySQS


@contextmanager
def world(start: datetime, seed: str, bug: type[Bug] | None = None) -> Iterator[World]:
    """Give a world with nothing in it but a key of the scope `admin`; the product may have a planted `bug`."""
    clock = Clock(start)
    director = Director(clock)
    generator = seeded(seed)
    dynamodb, sqs = MemoryDynamoDB(director), MemorySQS(clock.seconds, director)
    with ExitStack() as stack:
        for patched in _randomness(Random(f"identifiers {seed}")):
            stack.enter_context(patched)
        tables = template_tables.create(dynamodb, DEFINITIONS)  # type: ignore[arg-type]
        dynamodb.table(tables.markers).created = start
        director.state_table = tables.state
        stand_in, admin = stack.enter_context(lives_odoo.stand_in(lambda: clock.now))
        receivers = Receivers(clock, director)
        made = World(clock, director, dynamodb, sqs, tables, stand_in, admin, receivers, generator)
        planted = None if bug is None else bug(made)
        made.planted = planted
        for patched in (*_patches(made), *containers.patches(director), *(planted.patches() if planted else ())):
            stack.enter_context(patched)
        made.key = operator(dynamodb, tables, start)
        yield made


def _randomness(generator: Random) -> Iterator[Any]:
    """Yield patches that make identifiers, and the order of what is sorted by them, the same for every play."""

    original = secrets.token_bytes

    def token_bytes(count: int = 32) -> bytes:
        return generator.randbytes(count)

    yield patch.object(secrets, "token_bytes", token_bytes)
    yield patch.object(secrets, "token_hex", lambda count=32: token_bytes(count).hex())
    yield patch.object(secrets, "choice", generator.choice)
    yield patch.object(uuid, "uuid4", lambda: uuid.UUID(bytes=token_bytes(16), version=4))
    yield patch.dict(Outbox.__init__.__kwdefaults__, {"random": token_bytes})
    for bound in (Recorder.__init__, Webhooks.__init__):
        replaced = tuple(token_bytes if default is original else default for default in bound.__defaults__ or ())
        yield patch.object(bound, "__defaults__", replaced)


class _Kms:
    """KMS, as far as endpoints' secrets need it."""

    def encrypt(self, **request: Any) -> dict[str, Any]:
        """Return a text that is not the secret."""
        return {"CiphertextBlob": bytes(request["Plaintext"])[::-1]}

    def decrypt(self, **request: Any) -> dict[str, Any]:
        """Return the secret."""
        return {"Plaintext": bytes(request["CiphertextBlob"])[::-1]}


def _patches(made: World) -> Iterator[Any]:
    clock = made.clock
    vault = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": json.dumps({"keys": made.odoo_keys})})
    clients = {"dynamodb": made.dynamodb, "sqs": made.sqs, "secretsmanager": vault, "kms": _Kms()}

    def make(service: str, **_: Any) -> Any:
        client = clients[service]
        if isinstance(client, MemoryDynamoDB):  # each function reads in its own way, so each has a client of its own
            client = client.another(made.director)
        alter = getattr(made.planted, service, None)
        return client if alter is None else Altered(client, alter)

    class Virtual(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            frame = made.director.frame
            skew = timedelta(0) if frame is None else frame.container.skew
            return (clock.now + skew).astimezone(tz)

    yield patch.dict("os.environ", environment(made.tables))
    yield patch.object(store_client, "make", make)
    under_way = LinesUnderWay(made.wrong)
    yield patch.object(odoo_client, "Http", lambda *_, **__: Http(made.stand_in, made.director, under_way))
    yield patch.object(time, "monotonic", clock.seconds)
    yield patch.object(time, "sleep", clock.sleep)
    for bound in (WakeUps.__init__, composition.build_outbox):
        yield patch.dict(bound.__kwdefaults__, {"monotonic": clock.seconds})
    yield patch.dict(SubscriptionWriter.__init__.__kwdefaults__, {"pause": clock.sleep})
    yield patch.dict(WebhookSender.__init__.__kwdefaults__, {"clock": clock.seconds})
    yield patch.object(SsrfGuard, "_resolve", lambda *_: [ip_address("93.184.216.34")])
    yield patch.object(guarded_connection, "connect", made.receivers.connect)
    tls = SimpleNamespace(wrap_socket=lambda sock, server_hostname: sock.named(server_hostname))
    yield patch.object(guarded_connection, "public_tls", lambda: tls)
    for name, module in list(sys.modules.items()):
        if name.startswith(("functions.", "fusion_billing.")):
            if hasattr(module, "ThreadPoolExecutor"):
                yield patch.object(module, "ThreadPoolExecutor", InTurn)
            if getattr(module, "wait", None) is futures.wait:  # its set has the order of addresses in memory
                yield patch.object(module, "wait", lambda running, **_: (list(running), []))
            if name.endswith((".dependencies", ".handler")) and hasattr(module, "datetime"):
                yield patch.object(module, "datetime", Virtual)
