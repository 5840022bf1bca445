"""What payments does when others tell it something: in any order across deals, and twice if need be."""

from dataclasses import replace

import hypothesis

from services.payments.domain import escrow
from services.payments.domain.escrow import ApproveRelease, CancelEscrow, RequestEscrow
from services.payments.processes import settlement
from services.payments.tests.samples import AD_REQUEST, CAMPAIGN, DEAL, INFLUENCER, NOW, OF, SPONSOR
from shared.contracts import adrequests
from shared.testing.scenario import shuffled, took

IDS = (AD_REQUEST, CAMPAIGN, SPONSOR, INFLUENCER)
agreed = adrequests.DealAgreed(DEAL, *IDS, 2, 50_000, "EUR", "One reel", "0" * 64, "sponsor", NOW, "countered")
approved = adrequests.WorkApproved(DEAL, *IDS, 50_000, "EUR", 1, False, "submitted")
cancelled = adrequests.DealCancelled(DEAL, *IDS, 50_000, "EUR", "unfunded", "funding", True)


def test_a_deal_is_settled() -> None:
    took(settlement).when(agreed, NOW).then(RequestEscrow(DEAL, OF))
    took(settlement, agreed).when(approved, NOW).then(ApproveRelease(DEAL, NOW, NOW))
    took(settlement, agreed).when(cancelled, NOW).then(CancelEscrow(DEAL, OF))
    assert {settlement.route(event) for event in (agreed, approved, cancelled)} == {DEAL}


other = replace(agreed, deal_id="deal-2", amount_minor=7)
other_cancelled = replace(cancelled, deal_id="deal-2", amount_minor=7)


@hypothesis.given(shuffled({DEAL: [agreed, agreed, approved, approved], "deal-2": [other, other_cancelled, other]}))
def test_deals_do_not_disturb_each_other_and_repeats_change_nothing(messages: list[settlement.Message]) -> None:
    states: dict[str, escrow.State] = {}
    for message in messages:
        for command in settlement.react(message, settlement.INITIAL, NOW):
            id = command.deal_id
            states[id] = fed(states.get(id, escrow.INITIAL), command)
            if isinstance(command, RequestEscrow):
                states[id] = fed(states[id], escrow.HoldFunds(id, 50_000))
    ends = {id: state.state for id, state in states.items() if isinstance(state, escrow.Escrow)}
    assert ends == {DEAL: "released", "deal-2": "refunded"}


def fed(state: escrow.State, command: escrow.Command) -> escrow.State:
    for event in escrow.decide(command, state):
        state = escrow.evolve(state, event)
    return state
