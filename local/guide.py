"""What `make run` prints in the end."""

from pathlib import Path

from local.demo import catalog


def text(base_url: str, key: str, odoo_url: str, folder: Path) -> str:
    """Return where everything is, the operator's key, and what to look at first."""
    return (
        "The service is running. Schedules: the relay every 2 minutes, Odoo's subscriptions every "
        "10, rating at 6 past each hour.\n\n"
        f"  Console    {base_url}/console\n  Key        {key}\n\n"
        "Open the console and sign in with the key. Then click Customers, a customer, Ratings, and Why?\n"
        "The amount is explained down to each record.\n\n"
        f"  Base URL   {base_url}\n  Odoo       {odoo_url}\n"
        f"  Logs       {folder}/cloud/logs, {folder}/logs\n\nOr call the API:\n\n"
        f"  curl -H 'Authorization: Bearer {key}' {base_url}/v1/subscriptions/{catalog.MONTHLY}/usage\n\n"
        "Press Ctrl-C to stop. Stored data stays for the next start (`make run RESET=1` begins afresh)."
    )
