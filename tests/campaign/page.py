"""`python -m tests.campaign.page`: writes the kinds of faults, and the planted bugs, into docs/campaign.md."""

from pathlib import Path

from tests.campaign.faults import KINDS
from tests.campaign.planted_bugs import BUGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "campaign.md"
_BEGIN = "<!-- held by tests/unit/test_campaign_page.py: `python -m tests.campaign.page` writes it -->"
_END = "<!-- end of the generated part -->"
_PLANTED = """Would the campaign notice? Each of these is planted into the product, and found within 200 seeds.
The story that found it is recorded and played by CI; `python -m tests.campaign.planted_bugs` searches anew."""


def table() -> str:
    """Return the kinds of faults, and the planted bugs, each with what happens, as Markdown."""
    faults = [f"| `{kind}` | {_first_line(fault)} |" for kind, fault in sorted(KINDS.items())]
    bugs = [f"| `{name}` | {_first_line(bug)} |" for name, bug in sorted(BUGS.items())]
    planted = ["## Planted bugs", "", _PLANTED, "", "| bug | what the product does |", "|---|---|", *bugs]
    return "\n".join(["| fault | what happens |", "|---|---|", *faults, "", *planted])


def with_table(text: str) -> str:
    """Return the page with the table in its place."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{table()}\n\n{_END}{after}"


def _first_line(fault: type) -> str:
    return (fault.__doc__ or "").splitlines()[0].removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
