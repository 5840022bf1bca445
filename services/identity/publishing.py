"""Which public message each private event becomes, and under which routing key: always the account's."""

from services.identity.domain import account, profile
from shared.contracts import identity as public


def publish(event: object) -> tuple[object, str] | None:
    """Return the public message of an event with its routing key, or None where it has none."""
    match event:
        case account.AccountRegistered(id, role, state):
            return public.AccountRegistered(id, role, state), id
        case account.AccountApproved(id, role):
            return public.AccountApproved(id, role), id
        case account.AccountRejected(id, role, reason):
            return public.AccountRejected(id, role, reason), id
        case account.AccountRestricted(id, role, state, reason):
            return public.AccountRestricted(id, role, state, reason), id
        case account.AccountRestrictionLifted(id, role, state):
            return public.AccountRestrictionLifted(id, role, state), id
        case account.PersonErased(id, role, previous, restricted):
            return public.PersonErased(id, role, previous, restricted), id
        case profile.ProfileChanged(id, role, version, niche, platforms):
            public_platforms = tuple(public.Platform(each.platform, each.followers) for each in platforms)
            return public.ProfileChanged(id, role, version, niche, public_platforms), id
        case _:
            return None
