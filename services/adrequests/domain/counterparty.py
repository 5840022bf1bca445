"""The other side of an ad request: whom one may address, and come to terms with."""

from shared.accounts.standing import Standing
from shared.kernel.rejected import Kind, Rejected


class InfluencerUnknown(Rejected):
    code = "influencer-unknown"
    kind = Kind.VALUE
    field = "influencer_id"
    text = "There is no such influencer."


class OtherSideUnavailable(Rejected):
    code = "other-side-unavailable"
    text = "The other side cannot come to terms at present."


def must_be_an_influencer(state: Standing) -> None:
    """Refuse to address anybody but an influencer who is here; who is restricted is not named as that."""
    if state.role != "influencer" or state.state == "erased":
        raise InfluencerUnknown
    must_be_available(state)


def must_be_available(state: Standing) -> None:
    """Refuse to come to terms with somebody who may not act."""
    if state.state == "erased" or state.restriction is not None:
        raise OtherSideUnavailable
