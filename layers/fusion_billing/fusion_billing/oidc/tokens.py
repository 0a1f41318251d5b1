"""Verify the signature of JWTs. Imported by the first request with one: cryptography is slow to import."""

import json
from collections.abc import Mapping
from typing import Any

from jwt import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from fusion_billing.access.people import invalid
from fusion_billing.json_types import JsonObject
from fusion_billing.oidc.issuer import ALGORITHMS, Issuer

LONGEST_TOKEN = 8_192
_LONGEST_KEY_ID = 240
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_CURVE = "P-256"
_SHORTEST_MODULUS, _LONGEST_MODULUS = 2_048 // 6, 8_192 // 6 + 2  # in characters of Base64

_SIGNATURES = PyJWS(algorithms=list(ALGORITHMS))


def verified_claims(token: str, issuer: Issuer) -> JsonObject:
    """Return the claims of a token that the issuer has signed; they are not checked yet.

    The key comes from the issuer alone: `jku`, `jwk`, `x5u` and `x5c` in a token's header have no effect. Raises
    `Unauthenticated` (`invalid_jwt`) and `Unavailable`.
    """
    if len(token) > LONGEST_TOKEN:
        raise invalid(f"The JWT must have at most {LONGEST_TOKEN} characters")
    try:
        header = _SIGNATURES.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise invalid("The JWT is malformed") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise invalid(f"The JWT must be signed with {' or '.join(ALGORITHMS)}")
    if "crit" in header or header.get("b64") is False:
        raise invalid("The JWT requires an extension that is not supported")
    if key_id is not None and (not isinstance(key_id, str) or len(key_id) > _LONGEST_KEY_ID):
        raise invalid("The JWT has no valid key ID")
    key = _public_key(issuer.key(key_id, algorithm), algorithm)
    try:
        payload = _SIGNATURES.decode_complete(token, key, algorithms=[algorithm])["payload"]
        claims = json.loads(payload)
    except (PyJWTError, ValueError, RecursionError):
        raise invalid("The JWT has an invalid signature") from None
    if not isinstance(claims, dict):
        raise invalid("The JWT is malformed")
    return claims


def _public_key(jwk: Mapping[str, Any], algorithm: str) -> Any:
    """Return the public part of a key of the issuer, for the library."""
    public = {name: jwk.get(name) for name in ("kty", *_PUBLIC[jwk["kty"]])}
    is_weak = jwk["kty"] == "EC" and public["crv"] != _CURVE
    if jwk["kty"] == "RSA":
        is_weak = not _SHORTEST_MODULUS <= len(str(public["n"])) <= _LONGEST_MODULUS
    if is_weak:
        raise invalid("The JWT is signed by a key that is not supported")
    try:
        return PyJWK(public, algorithm).key
    except (PyJWTError, ValueError, TypeError):
        raise invalid("The JWT is signed by a key that is not supported") from None
