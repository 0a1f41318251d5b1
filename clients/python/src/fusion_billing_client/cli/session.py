"""What every command works with: the client, and how to print."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli.profiles import access

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass
class Session:
    """The options that all commands have."""

    profile: str | None
    base_url: str | None
    is_json: bool

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Return a client of the profile."""
        with access(self.profile, self.base_url).client() as client:
            yield client


def session_of(context: typer.Context, as_json: bool = False) -> Session:
    """Return the session of a command; `--json` may stand before or after the command."""
    session: Session = context.obj
    session.is_json = session.is_json or as_json
    return session
