"""Numbers with their nouns: `1 unit`, `2 units`."""

from fusion_billing.rating.exact import Exact, in_words


def counted(number: Exact | int, noun: str) -> str:
    """Return `1 record`, `2 records`, `0.5 records`."""
    figure = str(number) if isinstance(number, int) else in_words(number)
    return f"1 {noun}" if figure == "1" else f"{figure} {noun}s"


def units(number: Exact) -> str:
    """Return `1 unit`, `2 units`."""
    return counted(number, "unit")


def priced(number: Exact, noun: str, price: Exact) -> str:
    """Return `1 unit at 0.15`, `2 units at 0.15 each`."""
    figure = in_words(number)
    if figure == "1":
        return f"1 {noun} at {in_words(price)}"
    return f"{figure} {noun}s at {in_words(price)} each"
