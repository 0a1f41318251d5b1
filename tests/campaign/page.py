"""`python -m tests.campaign.page`: writes the kinds of faults into docs/campaign.md."""

from pathlib import Path

from tests.campaign.faults import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "campaign.md"
_BEGIN = "<!-- held by tests/unit/test_campaign_page.py: `python -m tests.campaign.page` writes it -->"
_END = "<!-- end of the generated part -->"


def table() -> str:
    """Return the kinds of faults with what each does, as Markdown."""
    rows = [f"| `{kind}` | {_first_line(fault)} |" for kind, fault in sorted(KINDS.items())]
    return "\n".join(["| fault | what happens |", "|---|---|", *rows])


def with_table(text: str) -> str:
    """Return the page with the table in its place."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{table()}\n\n{_END}{after}"


def _first_line(fault: type) -> str:
    return (fault.__doc__ or "").splitlines()[0].removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
