"""Settings of the gateway, beside those that every service has."""

from pydantic import Field

from shared.web.settings import Settings


class GatewaySettings(Settings):
    """How often somebody may ask; 0 per second means no limit."""

    rate_limit_per_second: float = Field(100, ge=0)  # of a signed-in caller
    rate_limit_burst: int = Field(500, ge=1)
    rate_limit_anonymous_per_second: float = Field(50, ge=0)  # of an address: public routes and refused tokens
    rate_limit_anonymous_burst: int = Field(300, ge=1)
