"""Receivers of webhooks on loopback, well-behaved ones and ones that misbehave by name; a queue, a clock."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mypy_boto3_dynamodb import DynamoDBClient

from functions.relay import deliveries
from functions.relay.deliveries import DeliveryCounts, Dependencies
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb.state.endpoint_leases import EndpointLeases
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoint_secrets import EndpointSecrets
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.outbound.webhook_sender import Limits, WebhookSender
from fusion_billing.webhooks import signing
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from local.tables import Tables

RATED = {key: value for key, value in EVENT_TYPES["rating.updated"].example.items() if key != "sequence"}
SECRET = signing.new_secret(bytes(range(32)))
START = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


class FakeQueue:
    """Remembers the nudges that were sent; the shape of `send_message_batch` alone."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "queue"
        assert len(Entries) <= 10
        for one in Entries:
            body = json.loads(one["MessageBody"])
            assert body["job"] == "deliveries"
            assert 0 <= one["DelaySeconds"] <= 900
            self.sent.append((body["endpoint"], one["DelaySeconds"]))
        return {}


class FakeKms:
    """Encrypts by naming key and context in the clear, and decrypts under the same ones alone."""

    def encrypt(self, *, KeyId: str, Plaintext: bytes, EncryptionContext: dict[str, str]) -> dict[str, bytes]:  # noqa: N803
        sealed = json.dumps([KeyId, EncryptionContext, Plaintext.decode()[::-1]])
        return {"CiphertextBlob": sealed.encode()}

    def decrypt(
        self,
        *,
        KeyId: str,  # noqa: N803
        CiphertextBlob: bytes,  # noqa: N803
        EncryptionContext: dict[str, str],  # noqa: N803
    ) -> dict[str, bytes]:
        key, context, backwards = json.loads(CiphertextBlob)
        assert (key, context) == (KeyId, EncryptionContext)
        return {"Plaintext": backwards[::-1].encode()}


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


class Receiver:
    """An HTTP server that answers by the first word of the path, and remembers what it was sent.

    `/ok/…` takes it; `/500/…` and other numbers are answered with that status; `hang`, `drip`, `huge`,
    `close` misbehave as they say. `log` holds what was received, and when a misbehaving one was let go.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.messages: list[tuple[str, dict[str, str], bytes]] = []
        self.headers: dict[str, str] = {}
        self.body = b"thank you"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """Let the other side go without a word."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.messages.append((handler.path, dict(handler.headers), body))
        self.log.append(handler.path)
        word = handler.path.split("/")[1]
        misbehaviour: Callable[[socket.socket], None] | None = getattr(self, f"_{word}", None)
        if misbehaviour is not None:
            handler.close_connection = True
            misbehaviour(handler.connection)
            self.log.append(f"over {handler.path}")
            return
        handler.send_response(200 if word == "ok" else int(word))
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)

    def _hang(self, connection: socket.socket) -> None:
        connection.recv(1)  # ends when the other side gives up

    def _drip(self, connection: socket.socket) -> None:
        self._pour(connection, b"HTTP/1.1 200 OK\r\nx: ", b"y", 0.02)

    def _huge(self, connection: socket.socket) -> None:
        self._pour(connection, b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", b"z" * 65536, 0)

    def _close(self, connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    def _pour(self, connection: socket.socket, beginning: bytes, more: bytes, pause: float) -> None:
        try:
            connection.sendall(beginning)
            for _ in range(16384):
                connection.sendall(more)
                time.sleep(pause)
        except OSError:
            return

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def kms() -> FakeKms:
    return FakeKms()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def authority(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., tuple[ssl.SSLContext, ssl.SSLContext]]:
    """Make a certificate for a name: the server's context with it, and a client's that trusts its issuer."""
    folder = tmp_path_factory.mktemp("tls")

    def certificate(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = made.public_bytes(serialization.Encoding.PEM)
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = Path(folder) / f"{name}.pem"
        path.write_bytes(key_pem + pem)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(path)
        return server, ssl.create_default_context(cadata=pem.decode())

    return certificate


class Relay:
    """The relay's part under test, with what it works with."""

    def __init__(self, dynamodb: DynamoDBClient, tables: Tables, *, kms: Any, queue: Any, clock: Any) -> None:
        self.dynamodb, self.clock, self.queue = dynamodb, clock, queue
        table = tables.webhooks
        self.endpoint_leases = EndpointLeases(dynamodb, tables.state)
        self.endpoints = EndpointStore(dynamodb, table)
        self.deliveries = DeliveryStore(dynamodb, table)
        self.events = EventStore(dynamodb, table)
        self.secrets = EndpointSecrets(kms, "key")
        self.outbox = build_outbox(dynamodb, queue, table=table, queue_url="queue", monotonic=clock.monotonic)
        self.guard = SsrfGuard(loopback=True)
        self.limits = Limits(connect=2.0, read=2.0, body=0.5, total=2.0)
        self.secret = SECRET

    def register(self, name: str, url: str, **more: Any) -> Endpoint:
        secret = SealedSecret(self.secrets.seal(f"ep_{name}", SECRET), self.clock())
        made = Endpoint(
            **{
                "id": f"ep_{name}",
                "source": "src_a",
                "url": url,
                "events": ("*",),
                "created_at": self.clock(),
                "secrets": (secret,),
                **more,
            }
        )
        self.endpoints.create(made)
        self.clock.forward(seconds=1)  # past what the outbox remembers
        return made

    def tell(self, count: int = 1) -> list[str]:
        """Store `count` events, and return their ids."""
        told = []
        for _ in range(count):
            prepared = self.outbox.prepare(
                "rating.updated",
                subscription="42",
                plan="Pro",
                metric="api_calls",
                data=RATED,
                now=self.clock(),
            )
            writes: list[Any] = [*prepared.writes]
            self.dynamodb.transact_write_items(TransactItems=writes)
            assert prepared.event_id is not None
            told.append(prepared.event_id)
            self.clock.forward(milliseconds=1)
        return told

    def run(self, *, endpoint: Any = None, left: Callable[[], float] = lambda: 300.0, **more: Any) -> DeliveryCounts:
        dependencies = Dependencies(
            **{
                "endpoints": self.endpoints,
                "deliveries": self.deliveries,
                "events": self.events,
                "secrets": self.secrets,
                "sender": WebhookSender(self.guard, limits=self.limits),
                "outbox": self.outbox,
                "wake_ups": WakeUps(self.queue, "queue", monotonic=self.clock.monotonic),
                "endpoint_leases": self.endpoint_leases,
                "random": lambda: 0.0,
                **more,
            }
        )
        return deliveries.run(dependencies, self.clock, left, endpoint)

    def delivery(self, endpoint: str, event: str) -> Delivery:
        found = self.deliveries.get(f"ep_{endpoint}", event)
        assert found is not None
        return found


@pytest.fixture
def relay(dynamodb: DynamoDBClient, tables: Tables, kms: Any, queue: Any, clock: Any) -> Relay:
    return Relay(dynamodb, tables, kms=kms, queue=queue, clock=clock)
