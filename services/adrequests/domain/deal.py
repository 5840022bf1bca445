"""A deal: accepted terms being carried out. They were hashed when both sides agreed and nothing here can change them.

funding -> funded -> submitted <-> changes_requested, submitted -> approved -> completed; funding -> cancelled.
`short` lies over `funding`: the wallet held too little when it was asked.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from services.adrequests.domain.rating import RATING
from services.adrequests.domain.terms import Parties, Terms, side_of
from shared.kernel.record import record, replace
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "deal"

FUNDING = timedelta(hours=24)
REVIEW = timedelta(hours=72)
MAX_CHANGES = 2
URL_LIMIT = 2_000  # characters

# Commands


@record
class AgreeDeal:
    """With the acceptance of an offer."""

    deal_id: str
    ad_request_id: str
    parties: Parties
    version: int
    terms: Terms
    terms_hash: str
    accepted_by: str
    previous: str  # of the ad request
    at: datetime


@record
class MarkFunded:
    """Of the process `funding`."""

    deal_id: str


@record
class NoteFundingShort:
    """Of the process `funding`."""

    deal_id: str
    missing_minor: int


@record
class CancelUnfunded:
    """Of the deadline `funding_over`."""

    deal_id: str
    at: datetime


@record
class SubmitWork:
    deal_id: str
    by: str
    post_url: str
    at: datetime


@record
class RequestChanges:
    deal_id: str
    by: str
    note: str  # private


@record
class ApproveWork:
    deal_id: str
    by: str


@record
class ApproveSilently:
    """Of the deadline `review_over`."""

    deal_id: str
    at: datetime


@record
class CompleteDeal:
    """Of the process `funding`: escrow is released."""

    deal_id: str
    at: datetime


Command = (
    AgreeDeal
    | MarkFunded
    | NoteFundingShort
    | CancelUnfunded
    | SubmitWork
    | RequestChanges
    | ApproveWork
    | ApproveSilently
    | CompleteDeal
)

# Events


@record
class Of:
    """Whose deal it is and about how much: what every message about it says."""

    deal_id: str
    ad_request_id: str
    parties: Parties
    amount_minor: int
    currency: str


@record
class DealAgreed:
    of: Of
    version: int
    terms: Terms
    terms_hash: str
    accepted_by: str
    fund_by: datetime
    previous: str


@record
class FundingFellShort:
    of: Of
    missing_minor: int


@record
class DealFunded:
    of: Of
    previous: str
    was_short: bool


@record
class DealCancelled:
    of: Of
    reason: str
    previous: str
    was_short: bool


@record
class WorkSubmitted:
    of: Of
    submission: int
    post_url: str
    review_by: datetime
    previous: str


@record
class ChangesRequested:
    of: Of
    submission: int
    changes: int
    changes_allowed: int
    previous: str


@record
class WorkApproved:
    of: Of
    submission: int
    automatic: bool
    previous: str


@record
class DealCompleted:
    of: Of
    rate_by: datetime
    previous: str


Event = (
    DealAgreed
    | FundingFellShort
    | DealFunded
    | DealCancelled
    | WorkSubmitted
    | ChangesRequested
    | WorkApproved
    | DealCompleted
)

EVENTS: dict[str, type] = {
    "adrequests.DealAgreed.v1": DealAgreed,
    "adrequests.FundingFellShort.v1": FundingFellShort,
    "adrequests.DealFunded.v1": DealFunded,
    "adrequests.DealCancelled.v1": DealCancelled,
    "adrequests.WorkSubmitted.v1": WorkSubmitted,
    "adrequests.ChangesRequested.v1": ChangesRequested,
    "adrequests.WorkApproved.v1": WorkApproved,
    "adrequests.DealCompleted.v1": DealCompleted,
}

# States


@record
class Empty:
    """No such deal."""


@record
class Deal:
    of: Of
    version: int
    terms: Terms
    terms_hash: str
    fund_by: datetime
    state: str = "funding"  # funding, funded, submitted, changes_requested, approved, completed, cancelled
    short: bool = False
    submissions: int = 0
    changes: int = 0
    post_url: str | None = None  # of the latest submission
    review_by: datetime | None = None


State = Empty | Deal

INITIAL: State = Empty()

# Refusals


class DealUnknown(Rejected):
    code = "deal-unknown"
    kind = Kind.MISSING
    text = "There is no such deal."


class AgreedBefore(Rejected):
    code = "deal-agreed-before"
    text = "This deal was agreed before."


class DealNotFunded(Rejected):
    code = "deal-not-funded"
    text = "The deal is not funded yet: do not begin before it is."


class WorkNotExpected(Rejected):
    code = "work-not-expected"
    text = "The deal is {state}: no work is waited for."


class NothingToReview(Rejected):
    code = "nothing-to-review"
    text = "The deal is {state}: there is no work to review."


class ChangesExhausted(Rejected):
    code = "changes-exhausted"
    text = "Changes were requested {limit} times, which is all that there are."


class DealNotCompleted(Rejected):
    code = "deal-not-completed"
    text = "The deal is {state}: it can be rated once it is completed."


class PostUrlUnusable(Rejected):
    code = "post-url-unusable"
    kind = Kind.VALUE
    field = "post_url"
    text = "The address of the work must be an https address without a user name, of at most {limit} characters."


def decide(command: Command, state: State) -> list[Event]:
    """Submitting is the influencer's, reviewing the sponsor's; for everybody else there is no such deal."""
    match command, state:
        case AgreeDeal(), Empty():
            terms = command.terms
            of = Of(command.deal_id, command.ad_request_id, command.parties, terms.amount_minor, terms.currency)
            fund_by = command.at + FUNDING
            agreed = DealAgreed(
                of, command.version, terms, command.terms_hash, command.accepted_by, fund_by, command.previous
            )
            return [agreed]
        case AgreeDeal(), _:
            raise AgreedBefore
        case SubmitWork(by=by), Deal() as own if by == own.of.parties.influencer_id:
            return [_submitted(command, own)]
        case ((RequestChanges(by=by) | ApproveWork(by=by)), Deal() as own) if by == own.of.parties.sponsor_id:
            return [_reviewed(command, own)]
        case ((SubmitWork() | RequestChanges() | ApproveWork()), _):
            raise DealUnknown
        case _, Deal() as own:
            return _followed(command, own)
        case _:
            return []


def _submitted(command: SubmitWork, own: Deal) -> Event:
    if own.state == "funding":
        raise DealNotFunded
    if own.state not in ("funded", "changes_requested"):
        raise WorkNotExpected(state=own.state)
    return WorkSubmitted(own.of, own.submissions + 1, checked(command.post_url), command.at + REVIEW, own.state)


def _reviewed(command: RequestChanges | ApproveWork, own: Deal) -> Event:
    if own.state != "submitted":
        raise NothingToReview(state=own.state)
    if isinstance(command, ApproveWork):
        return WorkApproved(own.of, own.submissions, False, own.state)
    if own.changes >= MAX_CHANGES:
        raise ChangesExhausted(limit=MAX_CHANGES)
    return ChangesRequested(own.of, own.submissions, own.changes + 1, MAX_CHANGES, own.state)


def _followed(command: Command, own: Deal) -> list[Event]:
    """What processes and deadlines command happens where it fits and once; elsewhere it changes nothing."""
    match command, own:
        case MarkFunded(), Deal(state="funding"):
            return [DealFunded(own.of, own.state, own.short)]
        case NoteFundingShort(missing_minor=missing), Deal(state="funding", short=False):
            return [FundingFellShort(own.of, missing)]
        case CancelUnfunded(at=at), Deal(state="funding") if at >= own.fund_by:
            return [DealCancelled(own.of, "unfunded", own.state, own.short)]
        case ApproveSilently(at=at), Deal(state="submitted", review_by=datetime() as due) if at >= due:
            return [WorkApproved(own.of, own.submissions, True, own.state)]
        case CompleteDeal(at=at), Deal(state="approved"):
            return [DealCompleted(own.of, at + RATING, own.state)]
        case _:
            return []


def checked(post_url: str) -> str:
    """Return the address as it is, or refuse it."""
    try:
        parts = urlsplit(post_url)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.password is None
    except ValueError:
        usable = False
    if not usable or len(post_url) > URL_LIMIT or any(letter.isspace() or ord(letter) < 32 for letter in post_url):
        raise PostUrlUnusable(limit=URL_LIMIT)
    return post_url


def seen_by(state: State, account_id: str) -> Deal:
    """Return the deal for one of its two sides; for everybody else there is none."""
    if isinstance(state, Deal) and side_of(state.of.parties, account_id) is not None:
        return state
    raise DealUnknown


def must_be_completed(own: Deal) -> None:
    """Refuse to rate a deal before its end."""
    if own.state != "completed":
        raise DealNotCompleted(state=own.state)


def evolve(state: State, event: Event) -> State:
    """Return the deal after an event."""
    match event, state:
        case DealAgreed(of, version, terms, terms_hash, _, fund_by), Empty():
            return Deal(of, version, terms, terms_hash, fund_by)
        case FundingFellShort(), Deal():
            return replace(state, short=True)
        case DealFunded(), Deal():
            return replace(state, state="funded", short=False)
        case DealCancelled(), Deal():
            return replace(state, state="cancelled", short=False)
        case WorkSubmitted(_, submission, post_url, review_by), Deal():
            submitted = replace(state, state="submitted", submissions=submission)
            return replace(submitted, post_url=post_url, review_by=review_by)
        case ChangesRequested(changes=changes), Deal():
            return replace(state, state="changes_requested", changes=changes, review_by=None)
        case WorkApproved(), Deal():
            return replace(state, state="approved", review_by=None)
        case DealCompleted(), Deal():
            return replace(state, state="completed")
        case _:
            return state
