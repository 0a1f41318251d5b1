"""The environment, read in one place; template.yaml sets every name used here.

Read lazily and name by name, so that a function fails on a setting it needs and not on one it does not.
"""

import os


class Missing(RuntimeError):
    """The environment lacks a name that this function needs."""


def text(name: str, default: str | None = None) -> str:
    """Return the setting `name`; raises `Missing` where there is neither it nor a default."""
    value = os.environ.get(name) or default
    if value is None:
        raise Missing(f"the environment variable {name} is not set")
    return value


def integer(name: str, default: int) -> int:
    """Return the setting `name` as an int; raises `Missing` where it is no number."""
    value = os.environ.get(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise Missing(f"the environment variable {name} must be a whole number, not {value!r}") from None
