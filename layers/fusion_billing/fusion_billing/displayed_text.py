"""Text from outside, made fit to be shown: on an order line, in a list, under a name from Odoo."""

import unicodedata

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows: the end of a name may read as its middle."""

_LINE_BREAKS = frozenset("\u2028\u2029")
_REMOVED = _BIDI_CONTROLS | {"\ufeff"}
_ELLIPSIS = "…"


def on_one_line(text: str) -> str:
    """Return `text` without control characters and without what turns its direction, white space joined.

    Letters of every script stay as they are, joiners included.
    """
    shown = "".join(_shown(character) for character in text)
    return " ".join(shown.split())


def shortened(text: str, length: int) -> str:
    """Return `text` of at most `length` characters, `…` in place of what is left out."""
    return text if len(text) <= length else text[: length - 1].rstrip() + _ELLIPSIS


def _shown(character: str) -> str:
    if character in _REMOVED:
        return ""
    is_control = unicodedata.category(character) in ("Cc", "Cs") or character in _LINE_BREAKS
    return " " if is_control else character
