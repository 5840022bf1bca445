"""The escrows of one sponsor in one currency that wait for money, oldest first."""

from shared.kernel.record import record

CATEGORY = "waiting"


def line_of(sponsor_id: str, currency: str) -> str:
    """Return the id of the waiting line that a wallet serves."""
    return f"{sponsor_id}:{currency}"


# Commands


@record
class JoinLine:
    """The wallet was asked and held too little."""

    line: str
    deal_id: str
    amount_minor: int


@record
class LeaveLine:
    """The money is held, or no longer wanted."""

    line: str
    deal_id: str


Command = JoinLine | LeaveLine

# Events


@record
class LineJoined:
    line: str
    deal_id: str
    amount_minor: int


@record
class LineLeft:
    line: str
    deal_id: str


Event = LineJoined | LineLeft

EVENTS: dict[str, type] = {"payments.LineJoined.v1": LineJoined, "payments.LineLeft.v1": LineLeft}

# States


@record
class Line:
    deals: dict[str, int]  # deal -> amount, in the order in which they came


State = Line

INITIAL: State = Line({})


def decide(command: Command, state: State) -> list[Event]:
    """Nobody stands in the line twice."""
    match command:
        case JoinLine(line, deal_id, amount) if deal_id not in state.deals:
            return [LineJoined(line, deal_id, amount)]
        case LeaveLine(line, deal_id) if deal_id in state.deals:
            return [LineLeft(line, deal_id)]
        case _:
            return []


def fitting(state: State, available_minor: int) -> list[str]:
    """Return the deals that the money suffices for, in order; a smaller one may pass one that does not fit."""
    fits = []
    for deal_id, amount in state.deals.items():
        if amount <= available_minor:
            available_minor -= amount
            fits.append(deal_id)
    return fits


def evolve(state: State, event: Event) -> State:
    """Return the line after an event."""
    match event:
        case LineJoined(_, deal_id, amount):
            return Line({**state.deals, deal_id: amount})
        case LineLeft(_, deal_id):
            return Line({id: amount for id, amount in state.deals.items() if id != deal_id})
