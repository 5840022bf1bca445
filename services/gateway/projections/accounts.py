"""Accounts as admins see them: registrations that wait for approval, who is flagged, who is restricted."""

from datetime import datetime
from typing import Any

from shared.contracts import identity, moderation
from shared.kernel.record import record, replace

NAME = "accounts"

LISTENS: tuple[type, ...] = (
    identity.AccountRegistered, identity.AccountApproved, identity.AccountRejected, identity.AccountRestricted,
    identity.AccountRestrictionLifted, identity.PersonErased, moderation.AccountFlagged, moderation.AccountUnflagged,
)  # fmt: skip


@record
class Row:
    """One account; `state` is '' until identity's first message has arrived. Reasons are codes."""

    account_id: str = ""
    role: str = ""
    state: str = ""
    restricted: bool = False  # identity's consequence of the flag
    flagged_for: str | None = None  # moderation's flag
    rejected_for: str | None = None
    registered_at: datetime | None = None


def keys(event: Any) -> tuple[str, ...]:
    """Return the account."""
    return (event.account_id,)


def evolve(row: Row, key: str, event: Any, at: datetime) -> Row:
    """Return the account after a message of identity, or of moderation, which has fields of its own."""
    row = replace(row, account_id=key, role=event.role)
    match event:
        case identity.AccountRegistered(state=state):
            return replace(row, state=state, registered_at=at)
        case identity.AccountApproved():
            return replace(row, state="active")
        case identity.AccountRejected(reason=reason):
            return replace(row, state="rejected", rejected_for=reason)
        case identity.AccountRestricted():
            return replace(row, restricted=True)
        case identity.AccountRestrictionLifted():
            return replace(row, restricted=False)
        case identity.PersonErased():
            return replace(row, state="erased", restricted=False)
        case moderation.AccountFlagged(reason=reason):
            return replace(row, flagged_for=reason)
        case moderation.AccountUnflagged():
            return replace(row, flagged_for=None)
        case _:
            return row
