"""A request as an application's handler sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base_request import BaseRequest
from .values import ChainMapProxy

if TYPE_CHECKING:
    from typing_extensions import Self

    from .application import Application
    from .match_info import UrlMappingMatchInfo
    from .stream_response import StreamResponse

__all__ = ("Request",)


class Request(BaseRequest):
    """A request with its route and application."""

    __slots__ = ("_match_info",)

    ATTRS = BaseRequest.ATTRS | frozenset(__slots__)

    # Set by the application before any handler or middleware sees the request.
    _match_info: UrlMappingMatchInfo

    def _copied(self, copy: Self) -> Self:
        try:
            copy._match_info = self._match_info
        except AttributeError:  # not routed yet
            pass
        return copy

    @property
    def match_info(self) -> UrlMappingMatchInfo:
        """What the router found: the path's parameters, the route and its applications."""
        return self._match_info

    @property
    def app(self) -> Application:
        """The application whose middleware or handler is running."""
        return self._match_info.current_app

    @property
    def config_dict(self) -> ChainMapProxy:
        """State of :attr:`app`, then that of the applications it is nested in."""
        apps = self._match_info.apps
        inner_first = reversed(apps[: apps.index(self.app) + 1])
        return ChainMapProxy(inner_first)

    def _hooks_response(self) -> bool:
        try:
            apps = self._match_info._apps
        except AttributeError:  # the router itself answers
            return False
        for app in apps:  # noqa: SIM110 - a generator would cost as much as the rest
            if app._on_response_prepare:
                return True
        return False

    async def _prepare_hook(self, response: StreamResponse) -> None:
        try:
            apps = self._match_info._apps
        except AttributeError:
            return
        for app in apps:
            # By its public name: handlers are tested with applications that are mocks.
            if signal := app.on_response_prepare:
                await signal.send(self, response)
