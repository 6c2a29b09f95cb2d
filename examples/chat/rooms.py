"""Rooms, their members and what they said: the chat, without any network in it."""

import asyncio
import hashlib
import itertools
import json
import secrets
import time
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

MAX_ROOMS = 200
MAX_MEMBERS = 500  # of one room
MAX_HISTORY = 100  # messages that a newcomer is shown
MAX_NAME = 24  # characters, of a person or a room
MAX_TEXT = 2000  # characters of one message
# Events that wait for one slow reader. Past it the reader is cut off; it asks for the history
# when it comes back. Better than memory that grows, or a room that waits for its slowest member.
MAX_OUTBOX = 256
# So many messages at once, and then one a period (seconds).
BURST, PERIOD = 12, 0.4
ANNOUNCE_AFTER = 0.25  # seconds


class Refused(Exception):
    """The chat will not do what was asked; the text is shown to the person."""


class Member:
    """One connected person.

    ``key`` is a secret of the person's page; others see ``author``, a digest of it, the same
    after each new connection. ``outbox`` holds the events for the connection's writer;
    ``cut_off`` ends the connection.
    """

    _ids = itertools.count(1)

    def __init__(self, name: str, key: object, cut_off: Callable[[], None]) -> None:
        self.id = next(self._ids)
        self.name = name
        secret = key if isinstance(key, str) and key else secrets.token_hex()
        self.author = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:16]
        self.outbox: asyncio.Queue[str] = asyncio.Queue(MAX_OUTBOX)
        self._cut_off = cut_off
        self._allowance = float(BURST)
        self._counted_at = time.monotonic()

    def push(self, event: str) -> None:
        """Hand an event to the writer, without ever waiting for it."""
        try:
            self.outbox.put_nowait(event)
        except asyncio.QueueFull:
            self._cut_off()

    def spend(self) -> None:
        """Count one message. Raises ``Refused`` when the member's allowance is used up."""
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + (now - self._counted_at) / PERIOD)
        self._counted_at = now
        if self._allowance < 1:
            raise Refused("You write faster than others can read. Wait a moment.")
        self._allowance -= 1

    @property
    def card(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "author": self.author}


class Room:
    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[int, Member] = {}
        self.history: deque[dict[str, Any]] = deque(maxlen=MAX_HISTORY)
        self._numbers = itertools.count(1)

    def send(self, event: dict[str, Any], *, but: Member | None = None) -> None:
        """Give an event to every member; it is encoded once."""
        text = encode(event)
        for member in list(self.members.values()):
            if member is not but:
                member.push(text)

    def join(self, member: Member) -> None:
        """Take a member in. Raises ``Refused`` when the room is full."""
        if len(self.members) >= MAX_MEMBERS:
            raise Refused(f"The room {self.name} is full ({MAX_MEMBERS} people).")
        member.name = self._free_name(member.name)
        self.send({"type": "joined", "member": member.card})
        self.members[member.id] = member

    def leave(self, member: Member) -> None:
        if self.members.pop(member.id, None):
            self.send({"type": "left", "id": member.id})

    def say(self, member: Member, text: str, ref: str) -> None:
        """Publish a message; ``ref`` is its writer's own name for it, and comes back with it."""
        message = {
            "number": next(self._numbers),
            "from": member.card,
            "text": text,
            "ref": ref,
            "at": int(time.time() * 1000),
        }
        self.history.append(message)
        self.send({"type": "message", "message": message})

    def _free_name(self, wanted: str) -> str:
        taken = {member.name.casefold() for member in self.members.values()}
        if wanted.casefold() not in taken:
            return wanted
        for number in itertools.count(2):
            suffix = f" {number}"
            name = wanted[: MAX_NAME - len(suffix)] + suffix
            if name.casefold() not in taken:
                break
        return name


class Chat:
    """All rooms. An empty one keeps its history until its place is needed."""

    def __init__(self) -> None:
        self.started_at = int(time.time() * 1000)
        self._rooms: OrderedDict[str, Room] = OrderedDict()
        self._announcement: asyncio.TimerHandle | None = None

    def room(self, name: str) -> Room:
        """Find or open a room. Raises ``Refused`` when all ``MAX_ROOMS`` are in use."""
        if name not in self._rooms:
            if len(self._rooms) >= MAX_ROOMS:
                self._forget_an_empty_room()
            self._rooms[name] = Room(name)
        self._rooms.move_to_end(name)
        return self._rooms[name]

    def busiest(self, limit: int = 30) -> list[dict[str, Any]]:
        rooms = sorted(self._rooms.values(), key=lambda room: -len(room.members))
        return [{"name": room.name, "people": len(room.members)} for room in rooms[:limit]]

    def announce_rooms(self) -> None:
        """Tell everyone soon which rooms there are and how many people are in each.

        Once for all who come in or leave meanwhile: after a restart everybody comes at once.
        """
        if self._announcement is None:
            loop = asyncio.get_running_loop()
            self._announcement = loop.call_later(ANNOUNCE_AFTER, self._announce_rooms)

    def _announce_rooms(self) -> None:
        self._announcement = None
        event = {"type": "rooms", "rooms": self.busiest()}
        for room in self._rooms.values():
            room.send(event)

    def _forget_an_empty_room(self) -> None:
        empty = next((name for name, room in self._rooms.items() if not room.members), None)
        if empty is None:
            raise Refused(f"There are {MAX_ROOMS} rooms already. Join one of them.")
        del self._rooms[empty]


def encode(event: dict[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def clean_name(value: object, fallback: str) -> str:
    """One line, no control or invisible formatting characters, at most ``MAX_NAME`` long."""
    if not isinstance(value, str):
        return fallback
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in value[:200])
    return " ".join(visible.split())[:MAX_NAME].strip() or fallback


def clean_text(value: object) -> str:
    """A message's text. Raises ``Refused`` when it is empty or longer than ``MAX_TEXT``."""
    if not isinstance(value, str) or not value.strip():
        raise Refused("The message is empty.")
    if len(value) > MAX_TEXT:
        raise Refused(f"The message has {len(value)} characters; at most {MAX_TEXT} are sent.")
    # A lone surrogate can be written in JSON but not in UTF-8.
    return value.strip().encode("utf-8", "replace").decode("utf-8")
