"""A negotiation: one ad request, one campaign, one influencer, and versions of terms until both want the same.

sent -> countered* -> accepted | declined | withdrawn | expired. The side whose turn it is answers within TURN; an
offer whose campaign is suspended is frozen, and its time begins anew. What is written beside an offer is private:
commands bring it, events do not have it.
"""

from datetime import datetime, timedelta

from services.adrequests.domain.terms import INFLUENCER, Parties, Terms, checked, hash_of, other, side_of
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "negotiation"

TURN = timedelta(hours=72)
MAX_VERSIONS = 5

# Commands


@record
class SendOffer:
    ad_request_id: str
    by: str
    campaign_id: str
    influencer_id: str
    terms: Terms
    message: str  # private
    at: datetime


@record
class CounterOffer:
    ad_request_id: str
    by: str
    version: int  # the one that is answered
    terms: Terms
    message: str  # private
    at: datetime


@record
class AcceptOffer:
    ad_request_id: str
    by: str
    version: int
    deal_id: str
    at: datetime


@record
class DeclineOffer:
    ad_request_id: str
    by: str
    at: datetime


@record
class WithdrawOffer:
    ad_request_id: str
    by: str
    at: datetime


@record
class ExpireOffer:
    """Of the deadline `offer_expiry`."""

    ad_request_id: str
    frozen: bool  # told: the campaign is suspended
    at: datetime


Command = SendOffer | CounterOffer | AcceptOffer | DeclineOffer | WithdrawOffer | ExpireOffer

# Events


@record
class OfferSent:
    ad_request_id: str
    parties: Parties
    version: int
    terms: Terms
    terms_hash: str
    turn: str
    expires_at: datetime


@record
class OfferCountered:
    ad_request_id: str
    parties: Parties
    version: int
    terms: Terms
    terms_hash: str
    turn: str
    expires_at: datetime
    previous: str


@record
class OfferAccepted:
    """Told to others as the deal that comes of it."""

    ad_request_id: str
    parties: Parties
    version: int
    terms_hash: str
    deal_id: str
    by_side: str
    previous: str


@record
class OfferDeclined:
    ad_request_id: str
    parties: Parties
    version: int
    by_side: str
    previous: str


@record
class OfferWithdrawn:
    ad_request_id: str
    parties: Parties
    version: int
    by_side: str
    previous: str


@record
class OfferExpired:
    ad_request_id: str
    parties: Parties
    version: int
    turn: str
    previous: str


@record
class OfferDeadlineExtended:
    ad_request_id: str
    parties: Parties
    version: int
    expires_at: datetime


Event = (
    OfferSent | OfferCountered | OfferAccepted | OfferDeclined | OfferWithdrawn | OfferExpired | OfferDeadlineExtended
)

EVENTS: dict[str, type] = {
    "adrequests.OfferSent.v1": OfferSent,
    "adrequests.OfferCountered.v1": OfferCountered,
    "adrequests.OfferAccepted.v1": OfferAccepted,
    "adrequests.OfferDeclined.v1": OfferDeclined,
    "adrequests.OfferWithdrawn.v1": OfferWithdrawn,
    "adrequests.OfferExpired.v1": OfferExpired,
    "adrequests.OfferDeadlineExtended.v1": OfferDeadlineExtended,
}

# States


@record
class Empty:
    """No such ad request."""


@record
class Negotiation:
    """`version`, `terms` and `terms_hash` are the latest; earlier ones stay in the stream."""

    ad_request_id: str
    parties: Parties
    version: int
    terms: Terms
    terms_hash: str
    turn: str
    expires_at: datetime
    state: str = "sent"  # sent, countered, accepted, declined, withdrawn, expired

    @property
    def is_open(self) -> bool:
        """Whether an answer is waited for."""
        return self.state in ("sent", "countered")


State = Empty | Negotiation

INITIAL: State = Empty()

# Refusals


class AdRequestUnknown(Rejected):
    code = "ad-request-unknown"
    kind = Kind.MISSING
    text = "There is no such ad request."


class SentBefore(Rejected):
    code = "ad-request-sent-before"
    text = "This ad request was sent before."


class AdRequestClosed(Rejected):
    code = "ad-request-closed"
    text = "The ad request is {state}."


class NotYourTurn(Rejected):
    code = "not-your-turn"
    text = "It is the other side's turn to answer."


class NotYourOffer(Rejected):
    code = "not-your-offer"
    text = "The latest offer is the other side's: it can be declined, not withdrawn."


class VersionOutdated(Rejected):
    code = "offer-version-outdated"
    text = "The latest version is {version}, not the one that was named."


class RoundsExhausted(Rejected):
    code = "rounds-exhausted"
    text = "After {limit} versions the latest can only be accepted or declined."


def decide(command: Command, state: State) -> list[Event]:
    """The sponsor begins; then only the two sides can act, each on its turn, on the version that they name."""
    match command, state:
        case SendOffer(id, by, campaign_id, influencer_id), Empty():
            terms = checked(command.terms, command.terms.currency)
            parties = Parties(campaign_id, by, influencer_id)
            return [OfferSent(id, parties, 1, terms, hash_of(terms), INFLUENCER, command.at + TURN)]
        case ExpireOffer(id, frozen, at), Negotiation(is_open=True) as own if at >= own.expires_at:
            if frozen:
                return [OfferDeadlineExtended(id, own.parties, own.version, at + TURN)]
            return [OfferExpired(id, own.parties, own.version, own.turn, own.state)]
        case ExpireOffer(), _:
            return []
        case _, Negotiation() as own if (side := side_of(own.parties, command.by)) is not None:
            return _decide_for(side, command, own)
        case _:
            raise AdRequestUnknown


def _decide_for(side: str, command: Command, own: Negotiation) -> list[Event]:
    if isinstance(command, SendOffer):
        raise SentBefore
    if not own.is_open:
        raise AdRequestClosed(state=own.state)
    if command.at >= own.expires_at:  # whether or not its deadline has fired
        raise AdRequestClosed(state="expired")
    id, parties, version = own.ad_request_id, own.parties, own.version
    if isinstance(command, WithdrawOffer):
        if side == own.turn:
            raise NotYourOffer
        return [OfferWithdrawn(id, parties, version, side, own.state)]
    if side != own.turn:
        raise NotYourTurn
    match command:
        case AcceptOffer(version=named) | CounterOffer(version=named) if named != version:
            raise VersionOutdated(version=version)
        case CounterOffer() if version >= MAX_VERSIONS:
            raise RoundsExhausted(limit=MAX_VERSIONS)
        case CounterOffer(terms=terms, at=at):
            terms_hash = hash_of(checked(terms, own.terms.currency))
            return [OfferCountered(id, parties, version + 1, terms, terms_hash, other(side), at + TURN, own.state)]
        case AcceptOffer(deal_id=deal_id):
            return [OfferAccepted(id, parties, version, own.terms_hash, deal_id, side, own.state)]
        case _:
            return [OfferDeclined(id, parties, version, side, own.state)]


def seen_by(state: State, account_id: str) -> Negotiation:
    """Return the ad request for one of its two sides; for everybody else there is none."""
    if isinstance(state, Negotiation) and side_of(state.parties, account_id) is not None:
        return state
    raise AdRequestUnknown


def evolve(state: State, event: Event) -> State:
    """Return the ad request after an event."""
    match event, state:
        case OfferSent(id, parties, version, terms, terms_hash, turn, expires_at), Empty():
            return Negotiation(id, parties, version, terms, terms_hash, turn, expires_at)
        case OfferCountered(_, _, version, terms, terms_hash, turn, expires_at), Negotiation():
            latest = replace(state, version=version, terms=terms, terms_hash=terms_hash)
            return replace(latest, turn=turn, expires_at=expires_at, state="countered")
        case OfferAccepted(), Negotiation():
            return replace(state, state="accepted")
        case OfferDeclined(), Negotiation():
            return replace(state, state="declined")
        case OfferWithdrawn(), Negotiation():
            return replace(state, state="withdrawn")
        case OfferExpired(), Negotiation():
            return replace(state, state="expired")
        case OfferDeadlineExtended(expires_at=expires_at), Negotiation():
            return replace(state, expires_at=expires_at)
        case _:
            return state
