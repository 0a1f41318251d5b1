"""The routes of the console's sessions. They authenticate by themselves: by a key, or by the session's cookie."""

from functions.admin.route_table.route import Route

_OF_PEOPLE = ("rate_limited", "oidc_not_configured")
_OF_A_SESSION = ("missing_key", "session_expired", "cross_site_request", "unavailable", *_OF_PEOPLE)
_OF_A_JWT = ("invalid_jwt", "expired_jwt", "issuer_unavailable")

SESSIONS = (
    Route(
        "POST",
        "/v1/sessions",
        "sessions.begin",
        None,
        "Exchange an API key for a session of the console; the response sets its cookie",
        {201: "Session"},
        errors=(
            "malformed_key",
            "unknown_key",
            "revoked_key",
            "expired_key",
            "cross_site_request",
            "unavailable",
            "rate_limited",
        ),
        body="SessionRequest",
        headers=("Fusion-Session",),
        audited="by_handler",
    ),
    Route(
        "GET",
        "/v1/sessions",
        "sessions.show",
        None,
        "Show who is signed in, and with which scopes; 204 if nobody is",
        {200: "Session", 204: None},
        errors=(*_OF_A_SESSION, *_OF_A_JWT, "malformed_key", "unknown_key", "revoked_key", "expired_key"),
        headers=("Fusion-Session",),
    ),
    Route(
        "DELETE",
        "/v1/sessions",
        "sessions.end",
        None,
        "End the session of the console",
        {204: None},
        errors=("cross_site_request", "unavailable", *_OF_PEOPLE),
        headers=("Fusion-Session",),
        audited="by_handler",
    ),
    Route(
        "GET",
        "/v1/sessions/oidc",
        "sign_in.begin",
        None,
        "Send a browser to the issuer of JWTs to sign in",
        {302: None},
        query=("return_to",),
    ),
    Route(
        "GET",
        "/v1/sessions/oidc/callback",
        "sign_in.finish",
        None,
        "Take a browser back from the issuer of JWTs; the response sets the session's cookie",
        {302: None},
        any_query=True,
        audited="by_handler",
    ),
)
