"""Settings: the only module that reads the environment. template.yaml sets every name used here.

Settings are read when they are needed, so a function fails on a missing setting only if it uses it.
"""

import os


class Missing(RuntimeError):
    """A setting that this function needs is missing or invalid."""


def text(name: str, default: str | None = None) -> str:
    """Return the setting `name`; raises `Missing` if it is not set and has no default."""
    value = os.environ.get(name) or default
    if value is None:
        raise Missing(f"Environment variable {name} is not set")
    return value


def integer(name: str, default: int) -> int:
    """Return the setting `name` as an int; raises `Missing` if it is not a number."""
    value = os.environ.get(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise Missing(f"Environment variable {name} must be an integer, not {value!r}") from None
