"""What an accountant does to an invoice: post it, delete its draft, cancel it, credit it.

Order lines follow: what a deleted, cancelled or credited invoice billed of them is to be invoiced again.
"""

from local.odoo.environment import Environment
from local.odoo.errors import UserError
from local.odoo.models.invoice_lines import count_invoiced
from local.odoo.state import Record


def post(env: Environment, move_id: int) -> None:
    """Confirm a draft."""
    _in_state(env, move_id, "draft")
    env["account.move"].write([move_id], {"state": "posted"})


def delete(env: Environment, move_id: int) -> None:
    """Delete a draft and its lines."""
    _in_state(env, move_id, "draft")
    billed = _billed(env, move_id)
    for line in _lines(env, move_id):
        env.state.delete("account.move.line", line["id"])
    env.state.delete("account.move", move_id)
    count_invoiced(env["account.move.line"], billed)


def cancel(env: Environment, move_id: int) -> None:
    """Cancel an invoice, posted or not."""
    env["account.move"].write([move_id], {"state": "cancel"})
    count_invoiced(env["account.move.line"], _billed(env, move_id))


def credit(env: Environment, move_id: int) -> int:
    """Make and post the credit note of a whole posted invoice; return its id."""
    move = _in_state(env, move_id, "posted")
    values = {name: move[name] for name in ("partner_id", "currency_id", "invoice_origin", "amount_total")}
    made = int(
        env["account.move"].create(
            [{**values, "name": f"R{move['name']}", "state": "posted", "move_type": "out_refund"}]
        )[0]
    )
    kept = ("name", "product_id", "sale_line_ids", "quantity", "price_unit", "discount")
    lines = [{**{name: line[name] for name in kept}, "move_id": made} for line in _lines(env, move_id)]
    env["account.move.line"].create(lines)
    env["account.move"].write([move_id], {"payment_state": "reversed"})
    count_invoiced(env["account.move.line"], _billed(env, made))
    return made


def _in_state(env: Environment, move_id: int, state: str) -> Record:
    move = env["account.move"].record(move_id)
    if move["state"] != state:
        raise UserError(f"{move['name']} is not {state}.")
    return move


def _lines(env: Environment, move_id: int) -> list[Record]:
    return [line for line in env.state.table("account.move.line").values() if line["move_id"] == move_id]


def _billed(env: Environment, move_id: int) -> list[int]:
    return sorted({order_line for line in _lines(env, move_id) for order_line in line["sale_line_ids"]})
