"""`fusion keys`: sources and their API keys."""

from typing import Annotated

import typer

from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import UsageFailure
from fusion_billing_client.cli.session import Json, session_of
from fusion_billing_client.decoding import instant

app = typer.Typer(help="List, create and revoke API keys.", no_args_is_help=True)


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List the sources and their live keys."""
    session = session_of(context, as_json)
    with session.client() as client:
        sources = [client.sources.get(source.id) for source in client.sources.list()]
    if session.is_json:
        output.show_json(sources)
        return
    output.show_table(
        ("source", "name", "key", "scopes", "created"),
        (
            (source.id, source.name, key.get("id"), key.get("scopes"), key.get("created_at"))
            for source in sources
            for key in (source.keys or ({},))
        ),
    )


@app.command()
def create(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(help="Id of the source.")] = None,
    new_source: Annotated[str | None, typer.Option(help="Create a source of this name instead.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope; repeat the option for more.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="When the key ends, an instant.")] = None,
    as_json: Json = False,
) -> None:
    """Create a key; it is printed once, alone on the standard output."""
    session = session_of(context, as_json)
    if (source is None) == (new_source is None):
        raise UsageFailure("SOURCE: name a source, or a new one by --new-source")
    if not scope:
        raise UsageFailure("--scope: name one or more, such as --scope usage:write")
    try:
        ends = instant(expires_at) if expires_at else None
    except ValueError:
        raise UsageFailure("--expires-at: must be an instant such as 2027-01-31T00:00:00Z") from None
    with session.client() as client:
        id_ = source or client.sources.create(new_source or "").id
        key = client.sources.create_key(id_, scope, expires_at=ends)
    if session.is_json:
        output.show_json(key)
        return
    typer.echo(f"Key {key.id} of {id_}, shown once:", err=True)
    typer.echo(key.key)


@app.command()
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="Id of the key.")],
) -> None:
    """Revoke a key."""
    session = session_of(context)
    with session.client() as client:
        client.sources.revoke_key(key.split("_")[1] if key.startswith("fb_") else key)
    output.show_text("Revoked")
