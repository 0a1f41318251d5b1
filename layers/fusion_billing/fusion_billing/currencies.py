"""Define the currencies of ISO 4217, and how many decimal places an amount in each has.

Source: the standard's list one (currencies and funds in use), with two codes withdrawn lately whose
invoices may still be open (ANG, BGN). Codes for which the standard gives no minor unit (metals,
XDR, XSU, XUA, XTS, XXX) can't be billed in and are refused like unknown ones.
"""

from decimal import ROUND_HALF_UP, Decimal

from fusion_billing.decimals import EXACT
from fusion_billing.errors import Fault, Refused

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
    "MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU "
    "UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"

DIGITS: dict[str, int] = {
    code: digits for digits, codes in ((0, _NONE), (2, _TWO), (3, _THREE), (4, _FOUR)) for code in codes.split()
}
"""Currency code -> digits past the point."""

_CENT = {code: Decimal((0, (1,), -digits)) for code, digits in DIGITS.items()}


def digits_of(code: str, field: str = "currency") -> int:
    """Return the digits past the point of `code`; raises `Refused` (`unknown_currency`) at `field`."""
    try:
        return DIGITS[code]
    except KeyError:
        message = "must be a current ISO 4217 currency code, such as USD"
        raise Refused([Fault(field, "unknown_currency", message)]) from None


def rounded(amount: Decimal, code: str) -> Decimal:
    """Return `amount` rounded half-up (a tie goes away from zero) to the digits of currency `code`."""
    result = amount.quantize(_CENT[code], rounding=ROUND_HALF_UP, context=EXACT)
    return result or result.copy_abs()


def with_digits(amount: Decimal, code: str) -> str:
    """Return a rounded amount as text with all its currency's digits: `"1.00"`, `"-0.50"`, `"7"` (JPY)."""
    return format(amount, f".{DIGITS[code]}f")
