"""A niche: what a campaign or an influencer is about, in one spelling, so that both sides find each other."""

import re

#: One to five lower-case words: nothing personal fits in.
NICHE_PATTERN = re.compile(r"[a-z0-9]+([ &-]{1,3}[a-z0-9]+){0,4}")
LONGEST_NICHE = 60  # characters


def is_niche(text: str) -> bool:
    """Tell whether `text` is written as a niche."""
    return len(text) <= LONGEST_NICHE and NICHE_PATTERN.fullmatch(text) is not None
