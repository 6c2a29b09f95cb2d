"""Bytes on the wire of a stream of JSON ticks, ours against websockets' default.

    python ratio.py [--ticks 5000] [--seed 1] [--plain-zlib]

One process, no network: a server's permessage-deflate as each library agrees to it on a
browser's offer. Our contexts are also parked every few ticks, as they are on a connection that
is quiet for a while in between. What is sent is inflated again and compared."""

import argparse
import json
import random
import time
import zlib

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

from aiohttp_ws.wire.contexts import ContextPool, MessageDeflater, installed_zlib, use_zlib
from aiohttp_ws.wire.deflate import DeflateOptions, negotiate

OFFER = "permessage-deflate; client_max_window_bits"
WORDS = """the market is moving fast today sell buy hold why who knows it all looks cheap and then
rates news bank oil gold again down up earnings beat miss guidance open close"""


def ticks(count, seed):
    """Quotes, trades, depth and chat of 200 instruments; 100 to 400 bytes each."""
    r = random.Random(seed)
    words = WORDS.split()
    symbols = [
        "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=r.choice((3, 4, 5)))) for _ in "x" * 200
    ]
    prices = {symbol: r.uniform(5, 900) for symbol in symbols}
    now, number = 1_760_000_000_000, 1_000_000
    while count:
        now += r.randrange(1, 400)
        number += r.randrange(1, 9)
        symbol = r.choice(symbols)
        p = prices[symbol] = prices[symbol] * (1 + r.gauss(0, 0.0005))
        head = {"symbol": symbol, "ts": now, "seq": number}
        kind = r.random()
        if kind < 0.45:
            body = {
                "type": "quote",
                "bid": round(p * 0.9998, 4),
                "ask": round(p * 1.0002, 4),
                "bidSize": r.randrange(1, 90) * 100,
                "askSize": r.randrange(1, 90) * 100,
                "venue": r.choice(("XNAS", "ARCX", "BATS", "XNYS", "IEXG")),
            }
        elif kind < 0.75:
            body = {
                "type": "trade",
                "price": round(p, 4),
                "size": r.randrange(1, 5000),
                "side": r.choice(("buy", "sell")),
                "id": f"{r.getrandbits(64):016x}",
                "conditions": r.sample(["@", "F", "T", "I"], k=r.randrange(3)),
            }
        elif kind < 0.9:
            body = {
                "type": "depth",
                "bids": [[round(p * (1 - j / 1e4), 4), r.randrange(1, 900)] for j in range(1, 6)],
                "asks": [[round(p * (1 + j / 1e4), 4), r.randrange(1, 900)] for j in range(1, 6)],
            }
        else:
            body = {
                "type": "chat",
                "user": r.choice(("ann", "bob", "carol", "dave")) + str(r.randrange(50)),
                "text": " ".join(r.choices(words, k=r.randrange(6, 40))),
            }
        tick = json.dumps({**head, **body}).encode()
        if 100 <= len(tick) <= 400:
            count -= 1
            yield tick


def check(payloads, messages, bits):
    inflater = zlib.decompressobj(-bits)
    for payload, message in zip(payloads, messages, strict=True):
        assert inflater.decompress(payload + b"\x00\x00\xff\xff") == message


def theirs(messages):
    factory = ServerPerMessageDeflateFactory(
        # What serve(compression="deflate") sets.
        server_max_window_bits=12,
        client_max_window_bits=12,
        compress_settings={"memLevel": 5},
    )
    _, extension = factory.process_request_params([("client_max_window_bits", None)], [])
    frames = [extension.encode(Frame(Opcode.TEXT, message)) for message in messages]
    return [bytes(frame.data) for frame in frames], 12


def ours(messages, options, park_every):
    params, _ = negotiate(OFFER, options)
    pool = ContextPool()
    deflater = MessageDeflater(params, True, options.level, options.mem_level, pool)
    payloads = []
    for number, message in enumerate(messages, 1):
        payloads.append(deflater.compress(message))
        if park_every and number % park_every == 0:
            pool.park_quiet()
            pool.park_quiet()
            assert not deflater.live
    return payloads, params.server_max_window_bits


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--ticks", type=int, default=5000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--plain-zlib", action="store_true", help="even if zlib-ng is installed")
    a = ap.parse_args()
    if a.plain_zlib:
        use_zlib(zlib)
    messages = list(ticks(a.ticks, a.seed))
    raw = sum(map(len, messages))
    name = "zlib" if a.plain_zlib else installed_zlib().__name__.rpartition(".")[2]
    print(f"# {a.ticks} ticks of {raw / a.ticks:.0f} bytes, ours with {name}")
    cases = {"websockets": lambda: theirs(messages)}
    for every in (0, 100, 10, 1):
        pause = f", parked every {every}" if every else ""
        cases[f"ours{pause}"] = lambda every=every: ours(messages, DeflateOptions(), every)
    cases["ours, level=1"] = lambda: ours(messages, DeflateOptions(level=1), 0)
    base = None
    for case, run in cases.items():
        start = time.process_time()
        payloads, bits = run()
        used = time.process_time() - start
        check(payloads, messages, bits)
        size = sum(map(len, payloads))
        base = base or size
        print(
            f"{case:24} {size / a.ticks:7.1f} bytes a tick   {size / base:5.3f} of websockets"
            f"   {used / a.ticks * 1e6:5.1f} us"
        )


main()
