"""More than there is room for: most requests are refused then, and each has to cost far less than one that is taken."""

from collections.abc import Mapping

from services.gateway.routes import Routes
from services.gateway.upstream import Upstream
from shared.web.problems import Problem


class Overload:
    """Refuses what is for a service that has too much under way: at the door, whoever asks, looking no further."""

    def __init__(self, routes: Routes, upstreams: Mapping[str, Upstream]) -> None:
        self._routes = routes
        self._upstreams = dict(upstreams)
        self._problem = Problem("overloaded")

    def __call__(self, method: str, target: bytes) -> tuple[str, Problem] | None:
        """Return the route of a request that is refused, and the problem."""
        if not any(upstream.full for upstream in self._upstreams.values()):
            return None
        raw_path = target.partition(b"?")[0]
        if b"%" in raw_path:
            return None  # the long way reads it
        route = self._routes.find(method, raw_path.decode("latin-1"), raw_path)
        if route is None or route.row is None or not route.service or not self._upstreams[route.service].full:
            return None
        return route.row.path, self._problem
