"""What identity tells everybody: who exists in which role and standing. Nothing personal is ever in here.

Routing key of every message: `account_id`. Names, bios and handles are fetched from identity by account and version.
"""

from shared.kernel.record import record


@record
class AccountRegistered:
    """An account exists. `state`: pending_approval (sponsors) or active (influencers, admins)."""

    account_id: str
    role: str  # sponsor, influencer, admin
    state: str


@record
class AccountApproved:
    """An admin let a sponsor in: pending_approval became active."""

    account_id: str
    role: str


@record
class AccountRejected:
    """An admin turned a sponsor away: pending_approval became rejected. They may still sign in and read."""

    account_id: str
    role: str
    reason: str  # a code


@record
class AccountRestricted:
    """Consequence of a moderation flag: may sign in and read, not act. `state` is as it was and stays."""

    account_id: str
    role: str
    state: str
    reason: str  # the flag's code


@record
class AccountRestrictionLifted:
    """The flag is gone; the account stands in `state`, exactly as before."""

    account_id: str
    role: str
    state: str


@record
class Platform:
    """Where an influencer is followed, and by how many."""

    platform: str
    followers: int


@record
class ProfileChanged:
    """The profile is at `version` (1 comes with the registration); its personal part is fetched from identity."""

    account_id: str
    role: str
    version: int
    niche: str  # "" until told
    platforms: tuple[Platform, ...]


@record
class PersonErased:
    """The person behind the account is forgotten for good; the account was in `previous` and does nothing any more."""

    account_id: str
    role: str
    previous: str  # pending_approval, active, rejected
    restricted: bool  # whether a restriction lay on it


MESSAGES: dict[str, type] = {
    "identity.AccountRegistered.v1": AccountRegistered,
    "identity.AccountApproved.v1": AccountApproved,
    "identity.AccountRejected.v1": AccountRejected,
    "identity.AccountRestricted.v1": AccountRestricted,
    "identity.AccountRestrictionLifted.v1": AccountRestrictionLifted,
    "identity.ProfileChanged.v1": ProfileChanged,
    "identity.PersonErased.v1": PersonErased,
}
