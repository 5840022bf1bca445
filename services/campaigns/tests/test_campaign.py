"""S0-08, S0-18, S0-05: a sponsor's campaign, and moderation over it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.campaigns.domain import campaign
from services.campaigns.domain.campaign import (
    Campaign,
    CampaignCancelled,
    CampaignCompleted,
    CampaignDrafted,
    CampaignEdited,
    CampaignEnded,
    CampaignNotActive,
    CampaignNotDraft,
    CampaignNotWithinDates,
    CampaignOver,
    CampaignPublished,
    CampaignReinstated,
    CampaignSuspended,
    CampaignSuspendedNow,
    CampaignUnknown,
    CancelCampaign,
    CompleteCampaign,
    DraftCampaign,
    EditCampaign,
    Empty,
    Opening,
    PublishCampaign,
    ReinstateCampaign,
    SuspendCampaign,
)
from services.campaigns.domain.details import (
    BudgetNotPositive,
    BudgetTooLarge,
    Changes,
    Details,
    EndsBeforeItStarts,
    NicheUnreadable,
    VisibilityUnknown,
)
from shared.kernel.amount import CurrencyUnknown
from shared.kernel.money import MAX_AMOUNT_MINOR
from shared.kernel.rejected import Rejected
from shared.testing.scenario import given

ID, SPONSOR, RIVAL = "campaign-1", "sponsor-1", "sponsor-2"
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
DETAILS = Details(
    "Spring shoes", "500 sales", "Show them running", "running", 100_000, "EUR", date(2026, 5, 1), date(2026, 5, 31),
    "public",
)  # fmt: skip

drafted = CampaignDrafted(ID, SPONSOR, DETAILS)
published = CampaignPublished(ID, SPONSOR, DETAILS)
completed = CampaignCompleted(ID, SPONSOR, "public")
cancelled = CampaignCancelled(ID, SPONSOR, "public", "active")
suspended = CampaignSuspended(ID, SPONSOR, "public", "active", "fraud")
suspended_draft = CampaignSuspended(ID, SPONSOR, "public", "draft", "fraud")
reinstated = CampaignReinstated(ID, SPONSOR, "public", "active")

draft = DraftCampaign(ID, SPONSOR, DETAILS)
publish = PublishCampaign(ID, SPONSOR, NOON)
complete = CompleteCampaign(ID, SPONSOR)
cancel = CancelCampaign(ID, SPONSOR)
suspend = SuspendCampaign(ID, "fraud")
reinstate = ReinstateCampaign(ID)


def edit(changes: Changes) -> EditCampaign:
    return EditCampaign(ID, SPONSOR, changes)


def test_a_sponsor_drafts_a_campaign() -> None:
    given(campaign).when(draft).then(drafted)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"budget_minor": 0}, BudgetNotPositive),
        ({"budget_minor": -1}, BudgetNotPositive),
        ({"budget_minor": MAX_AMOUNT_MINOR + 1}, BudgetTooLarge),
        ({"currency": "XXX"}, CurrencyUnknown),
        ({"niche": "Running!"}, NicheUnreadable),
        ({"visibility": "secret"}, VisibilityUnknown),
        ({"ends_on": date(2026, 4, 30)}, EndsBeforeItStarts),
    ],
)
def test_a_campaign_with_an_impossible_value_is_neither_drafted_nor_edited_to(
    wrong: dict[str, object], refusal: type[Rejected]
) -> None:
    given(campaign).when(DraftCampaign(ID, SPONSOR, replace(DETAILS, **wrong))).refused(refusal)  # type: ignore[arg-type]
    given(campaign, drafted).when(edit(Changes(**wrong))).refused(refusal)  # type: ignore[arg-type]


def test_a_campaign_may_last_one_day_and_cost_the_most_there_is() -> None:
    longest = replace(DETAILS, ends_on=DETAILS.starts_on, budget_minor=MAX_AMOUNT_MINOR)
    given(campaign).when(DraftCampaign(ID, SPONSOR, longest)).then(CampaignDrafted(ID, SPONSOR, longest))


def test_a_draft_is_edited_in_what_is_named_alone() -> None:
    given(campaign, drafted).when(edit(Changes(title="Summer shoes", visibility="private"))).then(
        CampaignEdited(ID, SPONSOR, replace(DETAILS, title="Summer shoes", visibility="private"), "public")
    )


def test_an_edit_that_changes_nothing_is_no_event() -> None:
    given(campaign, drafted).when(edit(Changes(title=DETAILS.title))).then()


def test_what_was_edited_is_what_is_published() -> None:
    summer = replace(DETAILS, title="Summer shoes")
    given(campaign, drafted, CampaignEdited(ID, SPONSOR, summer, "public")).when(publish).then(
        CampaignPublished(ID, SPONSOR, summer)
    )


def test_a_suspended_draft_can_be_mended_but_not_published() -> None:
    given(campaign, drafted, suspended_draft).when(edit(Changes(goals="400 sales"))).then(
        CampaignEdited(ID, SPONSOR, replace(DETAILS, goals="400 sales"), "public")
    )
    given(campaign, drafted, suspended_draft).when(publish).refused(CampaignSuspendedNow)


@pytest.mark.parametrize("command", [draft, edit(Changes(title="Other")), publish])
@pytest.mark.parametrize("end", [[], [completed], [cancelled]])
def test_only_a_draft_is_edited_or_published(command: campaign.Command, end: list[campaign.Event]) -> None:
    given(campaign, drafted, published, *end).when(command).refused(CampaignNotDraft)


def test_a_draft_is_not_drafted_again() -> None:
    given(campaign, drafted).when(draft).refused(CampaignNotDraft)


def test_a_draft_is_published_up_to_its_last_day() -> None:
    given(campaign, drafted).when(replace(publish, at=datetime(2026, 5, 31, 23, 59, tzinfo=UTC))).then(published)
    given(campaign, drafted).when(replace(publish, at=datetime(2026, 6, 1, tzinfo=UTC))).refused(CampaignOver)


def test_an_active_campaign_is_completed_once() -> None:
    given(campaign, drafted, published).when(complete).then(completed)
    given(campaign, drafted, published, completed).when(complete).refused(CampaignNotActive)
    given(campaign, drafted).when(complete).refused(CampaignNotActive)
    given(campaign, drafted, published, suspended).when(complete).refused(CampaignSuspendedNow)


def test_a_campaign_is_cancelled_once_also_as_a_draft_and_while_suspended() -> None:
    given(campaign, drafted).when(cancel).then(replace(cancelled, previous="draft"))
    given(campaign, drafted, published).when(cancel).then(cancelled)
    given(campaign, drafted, published, suspended).when(cancel).then(cancelled)
    given(campaign, drafted, published, cancelled).when(cancel).refused(CampaignEnded)
    given(campaign, drafted, published, completed).when(cancel).refused(CampaignEnded)


@pytest.mark.parametrize(
    "foreign",
    [
        EditCampaign(ID, RIVAL, Changes(title="Mine")),
        PublishCampaign(ID, RIVAL, NOON),
        CompleteCampaign(ID, RIVAL),
        CancelCampaign(ID, RIVAL),
    ],
)
def test_somebody_elses_campaign_is_like_none(foreign: campaign.Command) -> None:
    given(campaign).when(foreign).refused(CampaignUnknown)
    given(campaign, drafted).when(foreign).refused(CampaignUnknown)
    given(campaign, drafted, published).when(foreign).refused(CampaignUnknown)


def test_moderation_suspends_in_any_state_and_its_repeats_change_nothing() -> None:
    given(campaign, drafted).when(suspend).then(suspended_draft)
    given(campaign, drafted, published).when(suspend).then(suspended)
    given(campaign, drafted, published, completed).when(suspend).then(replace(suspended, state="completed"))
    given(campaign, drafted, published, suspended).when(suspend).then()
    given(campaign).when(suspend).then()
    given(campaign, drafted, published, suspended).when(reinstate).then(reinstated)
    given(campaign, drafted, published).when(reinstate).then()
    given(campaign).when(reinstate).then()


@pytest.mark.parametrize("history", [[drafted], [drafted, published], [drafted, published, completed]])
def test_a_reinstated_campaign_is_exactly_as_it_was(history: list[campaign.Event]) -> None:
    before = state(*history)
    after = state(*history, suspended, reinstated)
    assert after == before
    assert state(*history, suspended) != before


def test_a_public_active_campaign_within_its_dates_is_open() -> None:
    for day in (DETAILS.starts_on, DETAILS.ends_on):
        assert campaign.opening(state(drafted, published), day) == Opening(ID, SPONSOR, "EUR")


@pytest.mark.parametrize(
    ("history", "refusal"),
    [
        ([], CampaignUnknown),
        ([drafted], CampaignUnknown),
        ([drafted, replace(published, details=replace(DETAILS, visibility="private"))], CampaignUnknown),
        ([drafted, published, suspended], CampaignSuspendedNow),
        ([drafted, published, completed], CampaignNotActive),
        ([drafted, published, cancelled], CampaignNotActive),
    ],
)
def test_no_other_campaign_is_open(history: list[campaign.Event], refusal: type[Rejected]) -> None:
    with pytest.raises(refusal):
        campaign.opening(state(*history), NOON.date())


@pytest.mark.parametrize("day", [date(2026, 4, 30), date(2026, 6, 1)])
def test_a_campaign_is_not_open_outside_its_dates(day: date) -> None:
    with pytest.raises(CampaignNotWithinDates):
        campaign.opening(state(drafted, published), day)


def test_evolve_is_total() -> None:
    for event in (published, completed, cancelled, suspended, reinstated):
        assert campaign.evolve(Empty(), event) == Empty()
    assert campaign.evolve(state(drafted, published), drafted) == state(drafted, published)


def state(*events: campaign.Event) -> campaign.State:
    folded: campaign.State = campaign.INITIAL
    for event in events:
        folded = campaign.evolve(folded, event)
    assert isinstance(folded, Empty | Campaign)
    return folded
