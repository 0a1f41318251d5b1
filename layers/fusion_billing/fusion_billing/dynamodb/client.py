"""Making AWS clients: one way for all functions, timed for a Lambda.

botocore's own session is used instead of boto3's: the clients are the same, and it spares the import of what
only boto3's resources need. Parameter validation is off: what is sent is built here, not by a caller, and
checking it against the service's model costs more CPU than all of our own work on a record. The user agent is
one text: botocore otherwise puts its own together twice a call, an eighth of what a call costs.
"""

import logging
from typing import TYPE_CHECKING, Any

import botocore
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_USER_AGENT = f"Botocore/{botocore.__version__} fusion-billing"

_session: botocore.session.Session | None = None


def make(service: str, *, read_timeout: float = 5.0, attempts: int = 3, connections: int = 16, **options: Any) -> Any:
    """Return a client of `service` for the region and credentials of the environment.

    `attempts` bounds the tries of one call, the first included; `connections` are kept for as many threads;
    `options` go to `create_client`.
    """
    global _session  # noqa: PLW0603  one session shares what it loaded among all clients
    if _session is None:
        _session = botocore.session.get_session()
        logging.getLogger("botocore").setLevel(logging.WARNING)  # it logs at INFO where it found credentials
    config = Config(
        parameter_validation=False,
        connect_timeout=2,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=connections,
        user_agent=_USER_AGENT,
    )
    return _session.create_client(service, config=config, **options)


def dynamodb(*, read_timeout: float = 5.0, attempts: int = 3) -> "DynamoDBClient":
    """Return a low-level DynamoDB client; see `make`."""
    client: DynamoDBClient = make("dynamodb", read_timeout=read_timeout, attempts=attempts)
    return client
