"""A profile's public part and its version. The personal part of each version (name, bio, handles) lies in `people`.

Version 1 is made with the registration; each change is the next, also where only something personal changed.
"""

from shared.kernel.niche import is_niche
from shared.kernel.record import record
from shared.kernel.rejected import Kind, Rejected

CATEGORY = "profile"

#: Where an influencer can be followed.
PLATFORMS = (
    "blog", "facebook", "instagram", "linkedin", "pinterest", "podcast", "snapchat", "threads", "tiktok", "twitch", "x",
    "youtube",
)  # fmt: skip

#: No platform has more people than there are.
MAX_FOLLOWERS = 10_000_000_000


@record
class Platform:
    platform: str
    followers: int


# Commands


@record
class OpenProfile:
    account_id: str
    role: str


@record
class ChangeProfile:
    account_id: str
    role: str
    niche: str
    platforms: tuple[Platform, ...]


Command = OpenProfile | ChangeProfile

# Events


@record
class ProfileChanged:
    account_id: str
    role: str
    version: int
    niche: str
    platforms: tuple[Platform, ...]


Event = ProfileChanged

EVENTS: dict[str, type] = {"identity.ProfileChanged.v1": ProfileChanged}

# States


@record
class Profile:
    version: int = 0  # 0: none
    niche: str = ""
    platforms: tuple[Platform, ...] = ()


State = Profile

INITIAL: State = Profile()

# Refusals


class NicheUnreadable(Rejected):
    code = "niche-unreadable"
    kind = Kind.VALUE
    field = "niche"
    text = "A niche is one to five lower-case words."


class PlatformsNotForRole(Rejected):
    code = "platforms-not-for-role"
    kind = Kind.VALUE
    field = "platforms"
    text = "Only influencers have platforms."


class PlatformUnknown(Rejected):
    code = "platform-unknown"
    kind = Kind.VALUE
    field = "platforms"
    text = "This platform is not known."


class PlatformTwice(Rejected):
    code = "platform-twice"
    kind = Kind.VALUE
    field = "platforms"
    text = "A platform is named once."


class FollowersOutOfRange(Rejected):
    code = "followers-out-of-range"
    kind = Kind.VALUE
    field = "platforms"
    text = "Followers are counted from 0 to {limit}."


def decide(command: Command, state: State) -> list[Event]:
    """Every change is a version: what changed may be personal and not in here."""
    match command:
        case OpenProfile(id, role):
            return [ProfileChanged(id, role, 1, "", ())] if state.version == 0 else []
        case ChangeProfile(id, role, niche, platforms):
            if niche and not is_niche(niche):
                raise NicheUnreadable
            if platforms and role != "influencer":
                raise PlatformsNotForRole
            if any(each.platform not in PLATFORMS for each in platforms):
                raise PlatformUnknown
            if len({each.platform for each in platforms}) < len(platforms):
                raise PlatformTwice
            if any(not 0 <= each.followers <= MAX_FOLLOWERS for each in platforms):
                raise FollowersOutOfRange(limit=MAX_FOLLOWERS)
            return [ProfileChanged(id, role, state.version + 1, niche, platforms)]


def evolve(state: State, event: Event) -> State:
    """Return the profile after a change."""
    return Profile(event.version, event.niche, event.platforms)
