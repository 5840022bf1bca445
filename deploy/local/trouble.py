"""What can go wrong outside of our code, said to a person in one message."""


class Trouble(Exception):
    """The machine lacks something; the text names it and the remedy, and is all that the person sees."""
