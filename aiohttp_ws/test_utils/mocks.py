from __future__ import annotations

from typing import Any
from unittest import mock


def make_mocked_coro(return_value: Any = None, raise_exception: Any = None) -> Any:
    async def coro(*args: Any, **kwargs: Any) -> Any:
        if raise_exception is not None:
            raise raise_exception
        return return_value

    return mock.Mock(side_effect=coro)

def make_mocked_request(*args, **kwargs): ...
