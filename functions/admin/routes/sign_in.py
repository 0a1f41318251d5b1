"""`/v1/sessions/oidc`: sign in to the console at the issuer of JWTs. Browsers follow these addresses; no script does.

Whatever fails leads back to the console, which says so: `?sign_in=<code>`.
"""

from dataclasses import replace

from aws_lambda_powertools import Logger

from functions.admin import access_dependencies, dependencies
from functions.admin.request import Request
from functions.admin.responses import Response
from functions.admin.services import people_sessions
from fusion_billing import settings
from fusion_billing.access.principal import Principal
from fusion_billing.audit.entry import Actor
from fusion_billing.dynamodb.state.used_states import UsedStates
from fusion_billing.errors import FusionError
from fusion_billing.http.api_gateway import headers_of
from fusion_billing.oidc import sign_in
from fusion_billing.oidc.sign_in import Client, SignInFailed

_CONSOLE = "../../console"
_FROM_CALLBACK = "../../../console"
_CALLBACK = "/v1/sessions/oidc/callback"

logger = Logger()


def begin(request: Request) -> Response:
    """Send the browser to the issuer."""
    attempt = sign_in.begin(request.now, request.query.get("return_to", ""))
    try:
        client, issuer = _client(request), access_dependencies.people().issuer
        target = sign_in.address(issuer, client, attempt)
    except (SignInFailed, FusionError) as error:
        return _failed(_CONSOLE, error)
    return Response(302, headers={"location": target, "set-cookie": attempt.set_cookie()})


def finish(request: Request) -> Response:
    """Take the browser back from the issuer, and begin a session."""
    try:
        attempt = sign_in.attempt_in(headers_of(request.event).get("cookie", ""))
        client, people = _client(request), access_dependencies.people()
        person = sign_in.finish(people, client, attempt, request.query, request.now)
        states = UsedStates(dependencies.dynamodb(), settings.text("STATE_TABLE"))
        session = people_sessions.begin(states, dependencies.keys(), attempt, person, request.now)
        _record(request, person.principal)
    except (SignInFailed, FusionError) as error:
        return _failed(_FROM_CALLBACK, error)
    location = f"{_FROM_CALLBACK}{attempt.screen}"
    return Response(302, headers={"location": location, "set-cookie": session.set_cookie()})


def _record(request: Request, principal: Principal) -> None:
    """Note who signed in; raises `Unavailable`."""
    if request.recorder is not None:
        recorder = replace(request.recorder, actor=Actor(principal.actor, principal.source, "session"))
        recorder.note(f"sessions/{principal.key_id}", "done")


def _client(request: Request) -> Client:
    """Return the console as the issuer knows it; raises `SignInFailed` if it has no client ID."""
    client_id = settings.text("OIDC_CLIENT_ID", "")
    if not client_id or not settings.text("OIDC_ISSUER", ""):
        raise SignInFailed("not_configured")
    domain = request.event["requestContext"].get("domainName", "")
    url = settings.text("OIDC_REDIRECT_URL", "") or f"https://{domain}{_CALLBACK}"
    return Client(client_id, url, settings.text("OIDC_REQUESTED_SCOPES", "openid email profile"))


def _failed(console: str, error: SignInFailed | FusionError) -> Response:
    logger.warning("sign-in failed", code=error.code, reason=str(error))
    return Response(302, headers={"location": f"{console}?sign_in={error.code}"})
