"""What payments says of its own ledger, for `verify`."""

from shared.eventstore.database import Database

#: Each transfer's credits less debits; the ledger is right where none is left over, and no guarded account is below 0.
UNBALANCED = """
SELECT payload ->> 'transfer_id' AS transfer, min(position) AS position
  FROM events WHERE type IN ('payments.Debited.v1', 'payments.Credited.v1')
 GROUP BY payload ->> 'transfer_id', payload ->> 'currency'
HAVING sum(CASE type WHEN 'payments.Credited.v1' THEN 1 ELSE -1 END * (payload ->> 'amount_minor')::numeric) <> 0
 ORDER BY position LIMIT 1"""
OVERDRAWN = """
SELECT stream, balance FROM (
    SELECT stream, sum(CASE type WHEN 'payments.Credited.v1' THEN 1 ELSE -1 END * (payload ->> 'amount_minor')::numeric)
           AS balance
      FROM events WHERE type IN ('payments.Debited.v1', 'payments.Credited.v1') GROUP BY stream) accounts
 WHERE balance < 0 AND stream NOT LIKE 'account-psp:%' LIMIT 1"""
TOTALS = """
SELECT count(DISTINCT payload ->> 'transfer_id') AS transfers,
       coalesce(sum((payload ->> 'amount_minor')::numeric) FILTER (WHERE type = 'payments.Debited.v1'), 0) AS debits,
       coalesce(sum((payload ->> 'amount_minor')::numeric) FILTER (WHERE type = 'payments.Credited.v1'), 0) AS credits
  FROM events WHERE type IN ('payments.Debited.v1', 'payments.Credited.v1')"""


class LedgerWrong(Exception):
    """Debits and credits do not match, or an account is below zero that must not be."""


async def balanced(database: Database) -> str:
    """Check the whole ledger; raises LedgerWrong with the first transfer or account that is wrong."""
    if (row := await database.fetchrow(UNBALANCED)) is not None:
        raise LedgerWrong(f"transfer {row['transfer']} at position {row['position']} does not come to zero")
    if (row := await database.fetchrow(OVERDRAWN)) is not None:
        raise LedgerWrong(f"{row['stream']} is at {row['balance']}")
    totals = await database.fetchrow(TOTALS)
    assert totals is not None
    if totals["debits"] != totals["credits"]:
        raise LedgerWrong(f"debits {totals['debits']}, credits {totals['credits']}")
    return f"{totals['transfers']} transfers, debits equal credits: {int(totals['debits'])} minor units"
