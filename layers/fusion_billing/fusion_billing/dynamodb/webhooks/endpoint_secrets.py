"""Encrypt signing secrets with KMS. The endpoint's ID is the encryption context, so no other endpoint can use them."""

import threading
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_REMEMBERED = 10_000


class EndpointSecrets:
    """Seals and opens signing secrets. Opened secrets are cached while the container is warm."""

    def __init__(self, kms: "KMSClient", key_arn: str) -> None:
        self._kms = kms
        self._key_arn = key_arn
        self._opened: dict[tuple[str, bytes], str] = {}
        self._lock = threading.Lock()

    def seal(self, endpoint_id: str, secret: str) -> bytes:
        """Return `secret` encrypted for one endpoint. Raises `Unavailable` if KMS fails."""
        try:
            response = self._kms.encrypt(
                KeyId=self._key_arn, Plaintext=secret.encode("ascii"), EncryptionContext=_context(endpoint_id)
            )
        except (BotoCoreError, ClientError):
            raise Unavailable("the signing secret could not be encrypted; try again") from None
        return response["CiphertextBlob"]

    def open(self, endpoint_id: str, sealed: bytes) -> str:
        """Return the secret that `seal` sealed. Raises `Unavailable` if KMS fails."""
        known = self._opened.get((endpoint_id, sealed))
        if known is not None:
            return known
        try:
            response = self._kms.decrypt(
                KeyId=self._key_arn, CiphertextBlob=sealed, EncryptionContext=_context(endpoint_id)
            )
        except (BotoCoreError, ClientError):
            raise Unavailable("the signing secret could not be decrypted; it is tried again") from None
        secret = response["Plaintext"].decode("ascii")
        with self._lock:
            if len(self._opened) >= _REMEMBERED:
                self._opened.clear()
            self._opened[endpoint_id, sealed] = secret
        return secret


def _context(endpoint_id: str) -> dict[str, str]:
    return {"endpoint": endpoint_id}
