"""What identity does when moderation tells of flags."""

from datetime import UTC, datetime

from services.identity.domain.account import LiftRestriction, RestrictAccount
from services.identity.processes import moderation_followed
from shared.contracts import moderation
from shared.testing.scenario import assert_total, took

AT = datetime(2026, 5, 10, tzinfo=UTC)
ID = "influencer-1"

flagged = moderation.AccountFlagged("flag-1", ID, "influencer", "spam", "admin-1")
unflagged = moderation.AccountUnflagged("flag-1", ID, "influencer", "cleared", "admin-1")


def test_a_flagged_account_is_restricted_and_an_unflagged_one_free() -> None:
    took(moderation_followed).when(flagged, AT).then(RestrictAccount(ID, "spam"))
    took(moderation_followed, flagged).when(unflagged, AT).then(LiftRestriction(ID))
    assert moderation_followed.route(flagged) == moderation_followed.route(unflagged) == ID
    assert_total(moderation_followed, [flagged, unflagged])
