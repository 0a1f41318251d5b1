"""Sign people in with the authorization code flow of OpenID Connect, with PKCE.

What a sign-in began with is in a cookie of the browser for ten minutes, so that only the browser that began it can end
it, and the service stores nothing for visitors who never come back.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fusion_billing.errors import Unauthenticated, Unavailable
from fusion_billing.oidc.issuer import Issuer
from fusion_billing.oidc.people import People, Person
from fusion_billing.outbound.guarded_client import RequestFailed

COOKIE = "__Host-fusion_sign_in"
LIFETIME = timedelta(minutes=10)
"""How long a sign-in may take."""

_SECRET_BYTES = 32
_SCREEN = re.compile(r"#/[\w/.~%=&?+,:@-]{0,400}", re.ASCII)
"""The way back: a screen of the console. It names no host, so that it can lead nowhere else."""

_LATEST = 2**37
"""Unix times from here on are beyond what a date can hold."""

_SECRET = r"([\w-]{43})"  # noqa: S105  a pattern
_VALUE = re.compile(rf"{_SECRET}\.{_SECRET}\.{_SECRET}\.(\d{{1,12}})\.([\w-]{{0,800}})", re.ASCII)
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_REFUSED = "4"
"""First digit of the status with which the issuer refuses a code."""


class SignInFailed(Exception):
    """A sign-in that did not work; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Client:
    """What the issuer knows the console as: its ID, where people are sent back to, and the scopes to request."""

    id: str
    redirect_url: str
    scopes: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in: what the issuer must return (`state`, `nonce`), and the secret that its code is good with."""

    state: str
    nonce: str
    verifier: str
    started_at: datetime
    screen: str

    def set_cookie(self) -> str:
        """Return the `Set-Cookie` header. The cookie must come along when the issuer sends the browser back: `Lax`."""
        screen = base64.urlsafe_b64encode(self.screen.encode()).decode().rstrip("=")
        value = ".".join([self.state, self.nonce, self.verifier, str(int(self.started_at.timestamp())), screen])
        seconds = int(LIFETIME.total_seconds())
        return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"


def begin(now: datetime, screen: str) -> Attempt:
    """Return a new sign-in that leads back to a screen of the console; to the first one if `screen` is none."""
    state, nonce, verifier = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3))
    return Attempt(state, nonce, verifier, now, screen if _SCREEN.fullmatch(screen) else "#/")


def address(issuer: Issuer, client: Client, attempt: Attempt) -> str:
    """Return where the browser is sent; raises `Unavailable`."""
    endpoint = issuer.published().authorization_endpoint
    schemes = ("https://", "http://") if issuer.url.startswith("http://") else ("https://",)
    if not endpoint.startswith(schemes):
        raise Unavailable("The issuer of JWTs has no valid authorization endpoint", code="issuer_unavailable")
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": client.redirect_url,
        "scope": client.scopes,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def attempt_in(cookies: str) -> Attempt:
    """Return the sign-in in a `Cookie` header; raises `SignInFailed` if it has none that is well-formed."""
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        match = _VALUE.fullmatch(value) if name == COOKIE else None
        if match:
            started_at = datetime.fromtimestamp(int(match[4]) % _LATEST, tz=UTC)
            return Attempt(match[1], match[2], match[3], started_at, _screen_in(match[5]))
    raise SignInFailed("sign_in_expired")


def _screen_in(encoded: str) -> str:
    try:
        screen = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
    except ValueError:
        return "#/"
    return screen if _SCREEN.fullmatch(screen) else "#/"


def finish(people: People, client: Client, attempt: Attempt, query: Mapping[str, str], now: datetime) -> Person:
    """Return the person whom the issuer sent back with `query`.

    Raises `SignInFailed`, and `Unavailable`.
    """
    if not attempt.started_at <= now < attempt.started_at + LIFETIME:
        raise SignInFailed("sign_in_expired")
    if not _is(attempt.state, query.get("state", "")):
        raise SignInFailed("invalid_state")
    if query.get("iss", people.rules.issuer) != people.rules.issuer:
        raise SignInFailed("invalid_state")
    if "code" not in query:
        raise SignInFailed("denied")
    claims = people.claims(_id_token(people.issuer, client, attempt, query["code"]), client.id, now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not _is(attempt.nonce, nonce):
        raise Unauthenticated("The ID token has another nonce", code="invalid_jwt")
    if claims.get("azp", client.id) != client.id:
        raise Unauthenticated("The ID token is for another client", code="invalid_jwt")
    person = people.person(claims, now)
    if not person.principal.scopes:
        raise SignInFailed("no_access")
    return person


def _is(secret: str, given: str) -> bool:
    """Return whether a secret was given; takes the same time for every input."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def _id_token(issuer: Issuer, client: Client, attempt: Attempt, code: str) -> str:
    """Exchange the code for an ID token."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_url,
        "client_id": client.id,
        "code_verifier": attempt.verifier,
    }
    try:
        body = urlencode(form, errors="surrogatepass").encode()  # a query can name what UTF-8 can't hold
        response = issuer.client.post(issuer.published().token_endpoint, _FORM, body)
    except RequestFailed as error:
        if str(error.status).startswith(_REFUSED):
            raise SignInFailed("code_refused") from None
        raise Unavailable("The issuer of JWTs does not respond", code="issuer_unavailable") from None
    token = response.get("id_token")
    if not isinstance(token, str):
        raise SignInFailed("code_refused")
    return token
