"""Decimals as they come in and go out: exact, bounded, never through a float.

A quantity or a price is at most 38 significant digits with at most 38 digits on either side
of the point: what a DynamoDB number holds exactly, and more than any currency needs.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from fusion_billing.errors import Fault, Refused

MAX_DIGITS = 38

EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The context of all arithmetic. Sums and products of 38-digit numbers are exact in it, with
room for ten thousand million records; a division keeps 400 digits."""

_LONGEST_TEXT = 6_000  # a longer text is refused before it is parsed: parsing is quadratic

ZERO = Decimal(0)


def parse_decimal(value: object, field: str = "", *, negative: bool = False) -> Decimal:
    """Return `value` as an exact, normalised decimal.

    Takes text, a `strict_json.Number`, an int or a Decimal; a float is refused, since what was
    meant is lost by then. Raises `Refused` with one fault at `field`, whose code is `not_a_number`,
    `not_finite`, `too_many_digits` or, unless allowed, `negative`.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise _refuse(field, "not_a_number", "must be a decimal, as a JSON number or as text")
    if isinstance(value, str) and (len(value) > _LONGEST_TEXT or value != value.strip() or "_" in value):
        if len(value) > _LONGEST_TEXT:
            raise _refuse(field, "too_many_digits", f"must have at most {MAX_DIGITS} digits")
        raise _refuse(field, "not_a_number", "must be a decimal, without spaces or underscores")
    try:
        number = EXACT.create_decimal(value) if isinstance(value, Decimal) else Decimal(value)
    except InvalidOperation:
        if isinstance(value, str) and _looks_like_huge_exponent(value):
            raise _refuse(field, "too_many_digits", _RANGE) from None
        raise _refuse(field, "not_a_number", "must be a decimal such as 12.5") from None
    if isinstance(value, str) and not value.isascii():
        raise _refuse(field, "not_a_number", "must be written in ASCII digits")
    if not number.is_finite():
        raise _refuse(field, "not_finite", "must be a finite number")
    if number.is_zero():
        return ZERO
    if number.is_signed() and not negative:
        raise _refuse(field, "negative", "must not be negative")
    return _bounded(number, field)


def _bounded(number: Decimal, field: str) -> Decimal:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  finite by now, so for the type checker alone
    end = len(digits)
    while digits[end - 1] == 0:
        end -= 1
    exponent += len(digits) - end
    digits = digits[:end]
    if len(digits) > MAX_DIGITS:
        raise _refuse(field, "too_many_digits", f"must have at most {MAX_DIGITS} digits")
    if exponent < -MAX_DIGITS or exponent + len(digits) > MAX_DIGITS:
        raise _refuse(field, "too_many_digits", _RANGE)
    return Decimal((sign, digits, exponent))


_RANGE = f"must have at most {MAX_DIGITS} digits on either side of the point"


def plain(number: Decimal) -> str:
    """Return `number` as a plain string: no exponent, no trailing zeros (`"12.5"`, `"10"`, `"0"`)."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _looks_like_huge_exponent(text: str) -> bool:
    mantissa, mark, exponent = text.lower().partition("e")
    return bool(mark) and exponent.lstrip("+-").isdigit() and mantissa.replace(".", "", 1).lstrip("+-").isdigit()


def _refuse(field: str, code: str, message: str) -> Refused:
    return Refused([Fault(field, code, message)])
