"""Make text from outside safe to show: on an order line, in a list, as a customer's name."""

import unicodedata

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of the text after them, so that it reads as something else."""

_LINE_BREAKS = frozenset("\u2028\u2029")
_REMOVED = _BIDI_CONTROLS | {"\ufeff"}
_ELLIPSIS = "…"


def on_one_line(text: str) -> str:
    """Return `text` on one line, without control characters and without those that change its direction.

    Letters of every script stay as they are, joiners included.
    """
    shown = "".join(_shown(character) for character in text)
    return " ".join(shown.split())


def shortened(text: str, length: int) -> str:
    """Return `text` of at most `length` characters, with `…` in place of the rest."""
    return text if len(text) <= length else text[: length - 1].rstrip() + _ELLIPSIS


def _shown(character: str) -> str:
    if character in _REMOVED:
        return ""
    is_control = unicodedata.category(character) in ("Cc", "Cs") or character in _LINE_BREAKS
    return " " if is_control else character
