"""Each private event has its public message, under the account's key, and nothing personal in it."""

import pytest

from services.identity.domain import account, profile
from services.identity.publishing import publish
from services.identity.tests import test_account as accounts
from shared.contracts import identity as public
from shared.eventstore.codec import Codec

ID = accounts.ID

PUBLISHED = [
    (accounts.sponsor, public.AccountRegistered(ID, "sponsor", "pending_approval")),
    (accounts.approved, public.AccountApproved(ID, "sponsor")),
    (accounts.rejected, public.AccountRejected(ID, "sponsor", "fraud")),
    (accounts.restricted, public.AccountRestricted(ID, "influencer", "active", "spam")),
    (accounts.lifted, public.AccountRestrictionLifted(ID, "influencer", "active")),
    (accounts.erased, public.PersonErased(ID, "influencer", "active", False)),
    (
        profile.ProfileChanged(ID, "influencer", 2, "food", (profile.Platform("x", 5),)),
        public.ProfileChanged(ID, "influencer", 2, "food", (public.Platform("x", 5),)),
    ),
]


@pytest.mark.parametrize(("private", "message"), PUBLISHED)
def test_what_is_published(private: object, message: object) -> None:
    assert publish(private) == (message, ID)
    codec = Codec(public.MESSAGES)
    assert codec.decode(*codec.encode(message)) == message


def test_every_event_is_published() -> None:
    assert {type(private) for private, _ in PUBLISHED} == {*account.EVENTS.values(), *profile.EVENTS.values()}
    assert {type(message) for _, message in PUBLISHED} == set(public.MESSAGES.values())
    assert publish(object()) is None
