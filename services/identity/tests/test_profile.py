"""S0-16, S1-10: the public part of a profile."""

import pytest

from services.identity.domain import profile
from services.identity.domain.profile import (
    MAX_FOLLOWERS,
    ChangeProfile,
    FollowersOutOfRange,
    NicheUnreadable,
    OpenProfile,
    Platform,
    PlatformsNotForRole,
    PlatformTwice,
    PlatformUnknown,
    ProfileChanged,
)
from shared.kernel.rejected import Rejected
from shared.testing.scenario import given

ID = "account-1"
CAMERAS = (Platform("instagram", 12_000), Platform("youtube", 0))

opened = ProfileChanged(ID, "influencer", 1, "", ())


def test_a_profile_is_opened_empty_and_once() -> None:
    given(profile).when(OpenProfile(ID, "influencer")).then(opened)
    given(profile, opened).when(OpenProfile(ID, "influencer")).then()


def test_every_change_is_a_version_also_where_only_something_personal_changed() -> None:
    change = ChangeProfile(ID, "influencer", "trail running", CAMERAS)
    second = ProfileChanged(ID, "influencer", 2, "trail running", CAMERAS)
    given(profile, opened).when(change).then(second)
    given(profile, opened, second).when(change).then(ProfileChanged(ID, "influencer", 3, "trail running", CAMERAS))


def test_a_sponsor_has_a_niche_and_no_platforms() -> None:
    given(profile, opened).when(ChangeProfile(ID, "sponsor", "shoes", ())).then(
        ProfileChanged(ID, "sponsor", 2, "shoes", ())
    )
    given(profile, opened).when(ChangeProfile(ID, "sponsor", "shoes", CAMERAS)).refused(PlatformsNotForRole)


@pytest.mark.parametrize("niche", ["", "food", "food & drink", "sci-fi", "80s music"])
def test_a_niche_is_a_few_lower_case_words_or_none(niche: str) -> None:
    given(profile, opened).when(ChangeProfile(ID, "influencer", niche, ())).then(
        ProfileChanged(ID, "influencer", 2, niche, ())
    )


@pytest.mark.parametrize(
    ("niche", "platforms", "refusal"),
    [
        ("Food", (), NicheUnreadable),
        ("me@example.org", (), NicheUnreadable),
        ("one two three four five six", (), NicheUnreadable),
        ("food\n", (), NicheUnreadable),
        ("f" * 61, (), NicheUnreadable),
        ("food", (Platform("myspace", 1),), PlatformUnknown),
        ("food", (Platform("x", 1), Platform("x", 2)), PlatformTwice),
        ("food", (Platform("x", -1),), FollowersOutOfRange),
        ("food", (Platform("x", MAX_FOLLOWERS + 1),), FollowersOutOfRange),
    ],
)
def test_what_cannot_be_is_refused(niche: str, platforms: tuple[Platform, ...], refusal: type[Rejected]) -> None:
    given(profile, opened).when(ChangeProfile(ID, "influencer", niche, platforms)).refused(refusal)
