"""Parse and format decimals: exactly, within bounds, never through a float.

A quantity or a price is at most 38 significant digits with at most 38 digits on either side
of the point: what a DynamoDB number holds exactly, and more than any currency needs.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from fusion_billing.errors import Fault, Refused
from fusion_billing.strict_json import Number

MAX_DIGITS = 38

EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The context of all arithmetic. Sums and products of 38-digit numbers are exact in it, with
room for ten thousand million records; a division keeps 400 digits."""

_MAX_TEXT = 6_000  # a longer string is refused before it is parsed: parsing takes quadratic time

ZERO = Decimal(0)


def parse_decimal(value: object, field: str = "", *, negative: bool = False) -> Decimal:
    """Return `value` as an exact, normalised decimal.

    Takes a string, a `strict_json.Number`, an int or a Decimal; a float is refused, because its digits
    are lost already. Raises `Refused` with one fault at `field`, whose code is `not_a_number`,
    `not_finite`, `too_many_digits` or, unless allowed, `negative`.
    """
    number = _number(value, field)
    if not number.is_finite():
        raise _refuse(field, "not_finite", "must be a finite number")
    if number.is_zero():
        return ZERO
    if number.is_signed() and not negative:
        raise _refuse(field, "negative", "must not be negative")
    return _bounded(number, field)


def _number(value: object, field: str) -> Decimal:
    """Return the decimal that `value` is, of any length; raises `Refused` if it is none."""
    text = value.text if isinstance(value, Number) else value
    if isinstance(text, str):
        return _number_of_text(text, field)
    if isinstance(text, bool) or not isinstance(text, int | Decimal):
        raise _refuse(field, "not_a_number", "must be a decimal, as a JSON number or a string")
    return EXACT.create_decimal(text) if isinstance(text, Decimal) else Decimal(text)


def _number_of_text(text: str, field: str) -> Decimal:
    if len(text) > _MAX_TEXT:
        raise _refuse(field, "too_many_digits", f"must have at most {MAX_DIGITS} digits")
    if not text.isascii():
        raise _refuse(field, "not_a_number", "must be written in ASCII digits")
    if text != text.strip() or "_" in text:
        raise _refuse(field, "not_a_number", "must be a decimal, without spaces or underscores")
    try:
        return Decimal(text)
    except InvalidOperation:
        if _looks_like_huge_exponent(text):
            raise _refuse(field, "too_many_digits", _RANGE) from None
        raise _refuse(field, "not_a_number", "must be a decimal such as 12.5") from None


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
