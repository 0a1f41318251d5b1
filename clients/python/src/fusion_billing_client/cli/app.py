"""The commands, and the options that all have."""

from typing import Annotated, Any

import typer

from fusion_billing_client._version import __version__
from fusion_billing_client.cli import catalog, doctor, events, exporting, keys, lines, login, pushing, rating, reading
from fusion_billing_client.cli.session import Session

app = typer.Typer(
    name="fusion",
    help="Push usage, explain amounts, and keep the catalog of Fusion Billing as code.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(f"fusion {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    profile: Annotated[str | None, typer.Option(help="Profile to use; FUSION_PROFILE names it too.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the service; FUSION_BASE_URL has it too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that all commands have."""
    context.obj = Session(profile, base_url, as_json)


def _add(*commands: tuple[str, Any]) -> None:
    for name, command in commands:
        app.command(name)(command)


_add(
    ("login", login.login),
    ("push", pushing.push),
    ("usage", reading.usage),
    ("rate", rating.rate),
    ("explain", reading.explain),
    ("lines", lines.lines),
    ("retry", lines.retry),
    ("tail", events.tail),
    ("listen", events.listen),
    ("trigger", events.trigger),
    ("doctor", doctor.doctor),
    ("export", exporting.export),
    ("plan", catalog.plan),
    ("apply", catalog.apply),
    ("pull", catalog.pull),
)
app.add_typer(keys.app, name="keys")
