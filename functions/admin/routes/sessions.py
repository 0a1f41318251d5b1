"""`/v1/sessions`: sign in to the console with an API key, show who is signed in, sign out."""

from contextlib import suppress
from dataclasses import replace

from functions.admin import access_dependencies, dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content
from functions.admin.services import sessions as service
from fusion_billing.access.sessions import expired_cookie, has_cookie
from fusion_billing.audit.entry import Actor
from fusion_billing.errors import Unauthenticated
from fusion_billing.http.api_gateway import headers_of
from fusion_billing.http.authentication import refuse_other_sites


def begin(request: Request) -> Response:
    """Exchange an API key for a session, whose cookie the response sets."""
    refuse_other_sites(headers_of(request.event))  # another site must not sign a visitor in with a key of its own
    stores = access_dependencies.authenticator(), dependencies.keys(), dependencies.sources()
    shown, cookie = service.begin(*stores, request.json(), request.now)
    _record(request, shown["key_id"], shown["source"])
    return json_response(201, shown, {"set-cookie": cookie})


def show(request: Request) -> Response:
    """Show who is signed in: nobody, for a request without a key and without a session."""
    headers = headers_of(request.event)
    if "authorization" not in headers and not has_cookie(headers.get("cookie", "")):
        return no_content()
    principal = access_dependencies.authenticator().authenticate(headers, request.now)
    return json_response(200, service.show(principal, dependencies.sources()))


def end(request: Request) -> Response:
    """End the session and remove its cookie; do no more if it has ended already."""
    headers = headers_of(request.event)
    refuse_other_sites(headers)
    with suppress(Unauthenticated):  # its cookie goes, which is what signing out is for
        ended = service.end(access_dependencies.authenticator(), dependencies.keys(), headers, request.now)
        if ended is not None:
            _record(request, ended.key_id, ended.source)
    return Response(no_content().status, headers={"set-cookie": expired_cookie()})


def _record(request: Request, key_id: str, source: str) -> None:
    """Note who signed in or out."""
    if request.recorder is not None:
        recorder = replace(request.recorder, actor=Actor(key_id, source, "session"))
        recorder.note(f"sessions/{key_id}", "done")
