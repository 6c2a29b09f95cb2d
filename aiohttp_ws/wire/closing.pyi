from enum import IntEnum, IntFlag

class State(IntEnum):
    OPEN = 0
    CLOSE_SENT = 1
    CLOSE_RECEIVED = 2
    FAILING = 3
    CLOSED = 4
    LOST = 5
    CONNECTING = 6

class Event(IntEnum):
    OPENED = 0
    SEND_CLOSE = 1
    RECEIVE_CLOSE = 2
    FAULT = 3
    TCP_ENDED = 4

class Action(IntFlag):
    LEAVE_OPEN = 1
    STOP_INPUT = 2
    ANSWER = 4
    AWAIT_CLOSE = 8
    END_TCP = 16
    LINGER = 32
    REPORT_END = 64

TABLE: dict[tuple[State, Event], tuple[State, int]]

class ClosingHandshake:
    def __init__(self, connecting: bool = False) -> None: ...
    @property
    def state(self) -> State: ...
    @property
    def peer_first(self) -> bool: ...
    def step(self, event: Event, code: int = 1005) -> int: ...
    @property
    def close_code(self) -> int: ...
