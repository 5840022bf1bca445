"""The short way into a handler, for requests that are as they should be.

FastAPI finds out anew with each request what a handler takes, and opens three stacks of what is to be closed after it.
Here that is found out once for each route. What is not as it should be is left to FastAPI, whole: it alone refuses
values, in its words (ADR 0013).
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, get_args, get_origin

import orjson
from fastapi import Request
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shared.kernel.record import record
from shared.web.problems import Problem
from shared.web.values import Body

Asked = Callable[[Request], Awaitable[Any]]


@record
class Takes:
    """What a handler takes, by the names of its parameters."""

    path: dict[str, TypeAdapter[Any]]
    body: dict[str, type[Body]]  # one at most
    asked: dict[str, Asked]  # what the request alone tells, itself included


class Whole(Request):
    """A request whose body comes in one piece, as `Bodies` gives it."""

    async def body(self) -> bytes:
        """Return the body; raises Problem where nobody is there any more who would read an answer."""
        if not hasattr(self, "_body"):
            message = await self.receive()
            if message["type"] != "http.request":
                raise Problem("bad-request")
            self._body: bytes = message["body"]
        return self._body


class Direct:
    """Pure ASGI, around the app that FastAPI has made for a route: `long`."""

    def __init__(self, handler: Callable[..., Awaitable[Response]], takes: Takes, long: Any) -> None:
        self._handler = handler
        self._takes = takes
        self._long = long

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; raises what the handler raises, and Problem."""
        request = Whole(scope, receive, send)
        body = await request.body() if self._takes.body else b""
        try:
            arguments = dict(self._values(scope["path_params"], body))
        except ValueError:  # pydantic's and orjson's are such
            await self._long(scope, _again(body, receive) if self._takes.body else receive, send)
            return
        for name, ask in self._takes.asked.items():
            arguments[name] = await ask(request)
        response = await self._handler(**arguments)
        await response(scope, receive, send)

    def _values(self, path: dict[str, str], body: bytes) -> Iterator[tuple[str, Any]]:
        for name, kind in self._takes.path.items():
            yield name, kind.validate_python(path[name])
        for name, model in self._takes.body.items():
            yield name, model.model_validate(orjson.loads(body))


def way_into(route: Route) -> ASGIApp:
    """Return what answers a route: the short way where all that its handler takes is known here, or FastAPI's own."""
    if not isinstance(route, APIRoute):
        return route.app
    long = AsyncExitStackMiddleware(route.app)  # which FastAPI wants around it, for the files of forms
    takes = _takes(route)
    return Direct(route.endpoint, takes, long) if takes is not None else long


def _takes(route: APIRoute) -> Takes | None:
    """Return what the handler takes; None where that, or what it returns, is not known here."""
    signature = inspect.signature(route.endpoint)
    told = signature.return_annotation
    if route.dependencies or not inspect.iscoroutinefunction(route.endpoint) or not _is_a(told, Response):
        return None
    takes = Takes({}, {}, {})
    for name, parameter in signature.parameters.items():
        kind = parameter.annotation
        if kind is Request:
            takes.asked[name] = _itself
        elif (dependency := _dependency(kind)) is not None:
            takes.asked[name] = dependency
        elif name in route.param_convertors:
            takes.path[name] = TypeAdapter(kind)
        elif _is_a(kind, Body) and not takes.body:
            takes.body[name] = kind
        else:
            return None
    return takes


def _is_a(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


async def _itself(request: Request) -> Request:
    return request


def _dependency(kind: Any) -> Asked | None:
    """Return what stands in `Annotated[..., Depends(...)]`, where the request is all that it takes."""
    match get_args(kind) if get_origin(kind) is Annotated else ():
        case (_, Depends(dependency=function)) if inspect.iscoroutinefunction(function):
            takes = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
            return function if takes == [Request] else None
    return None


def _again(body: bytes, receive: Any) -> Any:
    """Return a `receive` that gives out once more what was read."""
    read = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Any:
        return read.pop() if read else await receive()

    return received
