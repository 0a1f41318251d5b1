"""Write the name of an order line: what it bills, for which days, and the arithmetic.

It is in the customer's language if the charge has a name in that language, and in English otherwise, so that a line is
never in two languages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT, plain
from fusion_billing.displayed_text import on_one_line

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "to": "to",
        "used": "used",
        "included": "included",
        "over": "over",
        "correction": "Correction of",
    },
    "de": {
        "to": "bis",
        "used": "verbraucht",
        "included": "inklusive",
        "over": "darüber",
        "correction": "Korrektur für",
    },
    "fr": {
        "to": "au",
        "used": "consommés",
        "included": "inclus",
        "over": "en plus",
        "correction": "Correction du",
    },
    "es": {
        "to": "a",
        "used": "usadas",
        "included": "incluidas",
        "over": "de exceso",
        "correction": "Corrección de",
    },
    "it": {
        "to": "al",
        "used": "usate",
        "included": "incluse",
        "over": "in eccesso",
        "correction": "Correzione del",
    },
    "nl": {
        "to": "t/m",
        "used": "verbruikt",
        "included": "inbegrepen",
        "over": "erboven",
        "correction": "Correctie van",
    },
    "pt": {
        "to": "a",
        "used": "usadas",
        "included": "incluídas",
        "over": "de excesso",
        "correction": "Correção de",
    },
}


@dataclass(frozen=True, slots=True)
class Days:
    """A period by its first and its last day, in the time zone of the subscription."""

    start: datetime
    end: datetime
    timezone: str

    def text(self, to: str) -> str:
        """Return `2026-11-01 to 2026-11-30`, or the one day: everyone reads ISO 8601 the same."""
        zone = ZoneInfo(self.timezone)
        first = self.start.astimezone(zone).date()
        last = (self.end.astimezone(zone) - timedelta(microseconds=1)).date()
        return first.isoformat() if last <= first else f"{first.isoformat()} {to} {last.isoformat()}"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The figures on a line: units used, included and over (None: not shown), and the priced steps.

    A step is `(units, unit_amount, amount)`, its first two None for a flat fee, a minimum or a maximum.
    """

    units: Decimal | None
    included: Decimal | None
    over: Decimal | None
    steps: Sequence[tuple[Decimal | None, Decimal | None, Decimal]]
    amount: Decimal
    currency: str

    def text(self, words: Mapping[str, str]) -> str:
        """Return, say, `1250 used, 1000 included, 250 over: 4 + 250 × 0.004 = 5.00 USD`."""  # noqa: RUF002
        figures = [
            f"{plain(figure)} {words[word]}"
            for word, figure in (("used", self.units), ("included", self.included), ("over", self.over))
            if figure is not None and (word == "used" or self.included)
        ]
        total = f"{with_digits(self.amount, self.currency)} {self.currency}"
        terms = [_term(*step) for step in self.steps if not step[2].is_zero()]
        if 0 < len(terms) <= _MAX_TERMS:
            total = f"{' + '.join(terms).replace('+ -', '- ')} = {total}"
        return f"{', '.join(figures)}: {total}" if figures else total


_MAX_TERMS = 6  # a longer sum explains nothing; the rating has every step


def _term(units: Decimal | None, unit_amount: Decimal | None, amount: Decimal) -> str:
    if units is None or unit_amount is None or units == 1 or EXACT.multiply(units, unit_amount) != amount:
        return plain(amount)
    return f"{plain(units)} × {plain(unit_amount)}"  # noqa: RUF001  the sign for times is meant


def line_name(title: str, days: Days, arithmetic: Arithmetic, words: Mapping[str, str]) -> str:
    """Return the name of a line: `API calls, 2026-11-01 to 2026-11-30`, and the arithmetic below."""
    return f"{on_one_line(title)}, {days.text(words['to'])}\n{arithmetic.text(words)}"


def correction_name(
    title: str,
    corrected: Days,
    figures: tuple[Decimal | None, Decimal | None, Decimal],
    currency: str,
    words: Mapping[str, str],
) -> str:
    """Return the name of the line of an adjustment, with the days it corrects.

    `figures` are the amount of the period now, the amount invoiced for it, and the difference.
    """
    now, invoiced, line_item = figures
    total = f"{with_digits(line_item, currency)} {currency}"
    if now is not None and invoiced is not None:
        total = f"{with_digits(now, currency)} - {with_digits(invoiced, currency)} = {total}"
    return f"{on_one_line(title)}\n{words['correction']} {corrected.text(words['to'])}: {total}"


def language(names: Mapping[str, str], requested: str) -> str:
    """Return the key of `names` for the Odoo language code `requested`, or `""`.

    For `de_CH`: `de_CH`, else `de`, else the first of `de_…`.
    """
    base = _base(requested)
    for name in (requested, base):
        if name and name in names:
            return name
    return next((name for name in sorted(names) if base and _base(name) == base), "")


def words_of(language_code: str) -> Mapping[str, str]:
    """Return the words of a line in that language, or in English."""
    return _WORDS.get(_base(language_code), _WORDS["en"])


def _base(code: str) -> str:
    return code.replace("-", "_").partition("_")[0].lower()
