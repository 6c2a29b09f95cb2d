"""Whatever comes in and whatever callbacks do, a connection ends once and in order."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest

from aiohttp_ws import WSMsgType
from aiohttp_ws.wire.deflate import DeflateParams
from tests.effort import examples
from tests.ws.memory_transport import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, settle

from .ends import Bench, Recorder

SIZES = [0, 1, 5, 300, 9_000, 20_000, 70_000]
OPCODES = [CONTINUATION, TEXT, BINARY, BINARY, BINARY, CLOSE, PING, PONG]


class Storm:
    """One connection, its listener and its peer, all by dice."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.kept: list = []
        self.bench: Bench | None = None
        self.bench = Bench(
            Recorder(on_ws_connected=self.act, on_ws_frame=self.act),
            server=self.dice.random() < 0.5,
            deflate=DeflateParams() if self.dice.random() < 0.4 else None,
            max_frame_size=100_000,
            disconnect_on_exception=self.dice.random() < 0.5,
        )

    def act(self, transport, frame=None):
        dice, roll = self.dice, self.dice.random()
        if frame is not None:
            self.kept.append(frame)
        if roll < 0.2:
            transport.send(WSMsgType.TEXT, bytes(dice.choice(SIZES)), fin=dice.random() < 0.8)
        elif roll < 0.3:
            buffer = bytearray(14 + dice.choice(SIZES))
            transport.send_reuse_external_bytearray(WSMsgType.BINARY, buffer, 14)
        elif roll < 0.32:
            transport.disconnect(dice.random() < 0.5)
        elif roll < 0.35:
            transport.send_close(1000)
        elif roll < 0.37:
            raise ValueError("storm")
        elif roll < 0.38:
            raise asyncio.CancelledError
        elif roll < 0.42 and self.bench is not None:
            memory = self.bench.transport
            memory.pending = dice.choice([0, 100_000])
            call = transport.pause_writing if memory.pending else transport.resume_writing
            call()
        elif roll < 0.43 and self.bench is not None:
            self.bench.transport.lose()

    def batch(self) -> bytes:
        dice, data = self.dice, b""
        for _ in range(dice.randrange(1, 6)):
            opcode = dice.choice(OPCODES)
            control = opcode >= CLOSE
            size = dice.choice([0, 2, 5, 125]) if control else dice.choice(SIZES)
            fin = control or dice.random() < 0.7
            rsv = 4 if dice.random() < 0.1 else 0
            data += self.bench.frame(opcode, dice.randbytes(size), fin=fin, rsv=rsv)
        if dice.random() < 0.1:
            place = dice.randrange(len(data))
            data = data[:place] + dice.randbytes(1) + data[place + 1 :]
        return data

    async def rage(self) -> None:
        bench, dice = self.bench, self.dice
        for _ in range(dice.randrange(1, 8)):
            data = self.batch()
            while data and not bench.connection.is_disconnected:
                size = dice.choice([1, 3, 50, 5_000, 100_000])
                bench.transport.feed(data[:size])
                data = data[size:]
                if dice.random() < 0.1:
                    await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(4))
async def test_a_storm_of_frames_and_calls_ends_in_one_farewell(seed):
    reported = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: reported.append(context["exception"]))
    logging.disable(logging.CRITICAL)
    try:
        for number in range(examples(60)):
            storm = Storm(1000 * seed + number)
            await storm.rage()
            for frame in storm.kept:
                with pytest.raises(RuntimeError):
                    frame.get_payload_as_bytes()
            if not storm.bench.connection.is_disconnected:
                storm.bench.transport.lose()
            events = storm.bench.listener.events
            assert events.count("on_ws_disconnected") == 1
            assert events[0] == "on_ws_connected"
            assert "on_ws_frame" not in events[events.index("on_ws_disconnected") :]
        await settle()
    finally:
        logging.disable(logging.NOTSET)
    assert {type(exc) for exc in reported} <= {asyncio.CancelledError}
