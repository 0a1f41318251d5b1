"""`fusion login`."""

import contextlib
import sys
from typing import Annotated

import typer

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli import output, profiles
from fusion_billing_client.cli.failures import UsageFailure
from fusion_billing_client.cli.session import session_of
from fusion_billing_client.errors import PermissionDeniedError
from fusion_billing_client.requests import check_base_url, check_key


def login(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help="Name of the profile.")] = "default",
    base_url: Annotated[str | None, typer.Option(help="Address of the service.")] = None,
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read the key from the standard input.")] = False,
) -> None:
    """Store an address and a key, after trying them."""
    session = session_of(context)
    url = base_url or session.base_url or typer.prompt("Base URL")
    key = sys.stdin.readline().strip() if key_stdin else typer.prompt("Key", hide_input=True)
    if not key.startswith("fb_"):
        raise UsageFailure("key: must begin with fb_, as the service shows it when it creates a key")
    with Client(check_base_url(url), check_key(key)) as client:
        version = client.health().version
        with contextlib.suppress(PermissionDeniedError):  # then the key is good, for other things
            next(client.metrics.list(page_size=1), None)
    profiles.store(profile, check_base_url(url), key)
    output.show_text(f"Logged in to {url} (version {version}), profile {profile}")
