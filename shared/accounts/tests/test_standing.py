"""S0-06, P-01: who may act."""

import pytest

from shared.accounts import standing
from shared.accounts.standing import (
    AccountErased,
    AccountRestricted,
    NoteStanding,
    SponsorNotApproved,
    Standing,
    StandingNoted,
)
from shared.kernel.rejected import Rejected
from shared.testing.scenario import assert_total, given

SPONSOR = "sponsor-1"


def test_a_standing_is_noted_once_and_erasure_is_the_last_word() -> None:
    here = StandingNoted(SPONSOR, "sponsor", "active", None)
    gone = StandingNoted(SPONSOR, "sponsor", "erased", None)
    given(standing).when(NoteStanding(SPONSOR, "sponsor", "active", None)).then(here)
    given(standing, here).when(NoteStanding(SPONSOR, "sponsor", "active", None)).then()
    given(standing, here).when(NoteStanding(SPONSOR, "sponsor", "erased", None)).then(gone)
    given(standing, here, gone).when(NoteStanding(SPONSOR, "sponsor", "active", None)).then()
    assert_total(standing, [here, gone])


GUARDS = [
    (standing.must_be_able_to_act, Standing(), None),
    (standing.must_be_able_to_act, Standing("influencer", "erased"), AccountErased),
    (standing.must_be_able_to_act, Standing("influencer", "active", "fraud"), AccountRestricted),
    (standing.must_be_able_to_act, Standing("influencer", "active"), None),
    (standing.must_be_approved, Standing("sponsor", "active"), None),
    (standing.must_be_approved, Standing("sponsor", "pending_approval"), SponsorNotApproved),
    (standing.must_be_approved, Standing("sponsor", "rejected"), SponsorNotApproved),
    (standing.must_be_approved, Standing("influencer", "active"), SponsorNotApproved),
    (standing.must_be_approved, Standing(), SponsorNotApproved),
    (standing.must_be_approved, Standing("sponsor", "active", "fraud"), AccountRestricted),
    (standing.must_be_approved, Standing("sponsor", "erased"), AccountErased),
]


@pytest.mark.parametrize(("guard", "state", "refusal"), GUARDS)
def test_who_may_act(guard: object, state: Standing, refusal: type[Rejected] | None) -> None:
    assert callable(guard)
    if refusal is None:
        guard(state)
    else:
        with pytest.raises(refusal):
            guard(state)
