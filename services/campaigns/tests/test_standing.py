"""S0-06, P-01: who may act here."""

import pytest

from services.campaigns.domain import standing
from services.campaigns.domain.standing import (
    AccountErased,
    AccountRestricted,
    NoteStanding,
    SponsorNotApproved,
    Standing,
    StandingNoted,
)
from shared.kernel.rejected import Rejected
from shared.testing.scenario import given

ID = "sponsor-1"


def test_a_standing_is_noted_when_it_is_new() -> None:
    given(standing).when(NoteStanding(ID, "active", None)).then(StandingNoted(ID, "active", None))
    given(standing, StandingNoted(ID, "active", None)).when(NoteStanding(ID, "active", "fraud")).then(
        StandingNoted(ID, "active", "fraud")
    )
    given(standing, StandingNoted(ID, "active", "fraud")).when(NoteStanding(ID, "active", "fraud")).then()


def test_nothing_follows_an_erasure() -> None:
    given(standing, StandingNoted(ID, "erased", None)).when(NoteStanding(ID, "active", None)).then()


@pytest.mark.parametrize("state", ["unknown", "pending_approval", "active", "rejected"])
def test_who_is_not_restricted_can_act(state: str) -> None:
    standing.must_be_able_to_act(Standing(state))


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (Standing("active", "fraud"), AccountRestricted),
        (Standing("erased"), AccountErased),
    ],
)
def test_the_restricted_and_the_erased_cannot_act(state: Standing, refusal: type[Rejected]) -> None:
    with pytest.raises(refusal):
        standing.must_be_able_to_act(state)
    with pytest.raises(refusal):
        standing.must_be_approved(state)


def test_only_the_approved_are_approved() -> None:
    standing.must_be_approved(Standing("active"))
    for state in ("unknown", "pending_approval", "rejected"):
        with pytest.raises(SponsorNotApproved):
            standing.must_be_approved(Standing(state))
