"""A campaign's budget: free + committed + spent = total, after every event.

A commitment is made with the deal, spent when the deal is completed, released when it is cancelled.
"""

from shared.kernel.record import record, replace
from shared.kernel.rejected import Rejected

CATEGORY = "budget"

# Commands


@record
class OpenBudget:
    """Of the process `campaigns_followed`: the campaign was published with this budget."""

    campaign_id: str
    sponsor_id: str
    total_minor: int
    currency: str


@record
class CommitBudget:
    """With the acceptance of an offer."""

    campaign_id: str
    deal_id: str
    amount_minor: int


@record
class ReleaseCommitment:
    """With the cancellation of a deal."""

    campaign_id: str
    deal_id: str


@record
class SpendCommitment:
    """With the completion of a deal."""

    campaign_id: str
    deal_id: str


Command = OpenBudget | CommitBudget | ReleaseCommitment | SpendCommitment

# Events


@record
class BudgetOpened:
    campaign_id: str
    sponsor_id: str
    total_minor: int
    currency: str


@record
class BudgetCommitted:
    campaign_id: str
    deal_id: str
    amount_minor: int


@record
class CommitmentReleased:
    campaign_id: str
    deal_id: str
    amount_minor: int


@record
class CommitmentSpent:
    campaign_id: str
    deal_id: str
    amount_minor: int


Event = BudgetOpened | BudgetCommitted | CommitmentReleased | CommitmentSpent

EVENTS: dict[str, type] = {
    "adrequests.BudgetOpened.v1": BudgetOpened,
    "adrequests.BudgetCommitted.v1": BudgetCommitted,
    "adrequests.CommitmentReleased.v1": CommitmentReleased,
    "adrequests.CommitmentSpent.v1": CommitmentSpent,
}

# States


@record
class Empty:
    """The campaign was not published."""


@record
class Budget:
    campaign_id: str
    sponsor_id: str
    currency: str
    total_minor: int
    free_minor: int
    commitments: dict[str, int]  # deal -> amount, while neither spent nor released
    spent_minor: int = 0

    @property
    def committed_minor(self) -> int:
        """What is promised to deals that are under way."""
        return sum(self.commitments.values())


State = Empty | Budget

INITIAL: State = Empty()

# Refusals


class OverBudget(Rejected):
    """Says nothing of what is free: the influencer may be the one who asks."""

    code = "over-budget"
    text = "The campaign's free budget does not cover {amount_minor}."


class CommittedBefore(Rejected):
    code = "committed-before"
    text = "The budget is committed to this deal already."


def decide(command: Command, state: State) -> list[Event]:
    """Only what is free can be committed; a commitment ends once, as spent or as released."""
    match command, state:
        case OpenBudget(id, sponsor_id, total, currency), Empty():
            return [BudgetOpened(id, sponsor_id, total, currency)]
        case CommitBudget(_, deal_id), Budget(commitments=open_ones) if deal_id in open_ones:
            raise CommittedBefore
        case CommitBudget(id, deal_id, amount), _:
            must_cover(state, amount)
            return [BudgetCommitted(id, deal_id, amount)]
        case ReleaseCommitment(id, deal_id), Budget(commitments=open_ones) if deal_id in open_ones:
            return [CommitmentReleased(id, deal_id, open_ones[deal_id])]
        case SpendCommitment(id, deal_id), Budget(commitments=open_ones) if deal_id in open_ones:
            return [CommitmentSpent(id, deal_id, open_ones[deal_id])]
        case _:
            return []


def must_cover(state: State, amount_minor: int) -> None:
    """Refuse an amount that the free budget does not cover."""
    if not isinstance(state, Budget) or not 0 < amount_minor <= state.free_minor:
        raise OverBudget(amount_minor=amount_minor)


def evolve(state: State, event: Event) -> State:
    """Return the budget after an event."""
    match event, state:
        case BudgetOpened(id, sponsor_id, total, currency), Empty():
            return Budget(id, sponsor_id, currency, total, total, {})
        case BudgetCommitted(_, deal_id, amount), Budget():
            commitments = {**state.commitments, deal_id: amount}
            return replace(state, free_minor=state.free_minor - amount, commitments=commitments)
        case CommitmentReleased(_, deal_id, amount), Budget():
            return replace(state, free_minor=state.free_minor + amount, commitments=_without(deal_id, state))
        case CommitmentSpent(_, deal_id, amount), Budget():
            return replace(state, spent_minor=state.spent_minor + amount, commitments=_without(deal_id, state))
        case _:
            return state


def _without(deal_id: str, state: Budget) -> dict[str, int]:
    return {id: amount for id, amount in state.commitments.items() if id != deal_id}
