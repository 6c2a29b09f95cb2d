"""Every example runs as its first lines say."""

import asyncio
import importlib.util
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.peers import import_peer
from tests.programs import ROOT, Program, free_port, running

connect = import_peer("websockets").connect
LISTENING = r"[Rr]unning on|The chat is at"


def call(port: int, path: str, method: str = "GET", body: object = None) -> tuple[int, object]:
    """Ask as a program of the standard library would; return the status and the body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            text, status = response.read().decode(), response.status
    except urllib.error.HTTPError as error:
        with error:
            text, status = error.read().decode(), error.code
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_an_example_says_how_to_start_it(path: Path):
    assert f"python examples/{path.name}" in path.read_text().split('"""')[1]


def test_echo_client_and_echo_server_talk():
    port = str(free_port())
    with running("examples/echo_server.py", PORT=port) as server:
        server.wait_for(LISTENING)
        client = Program("examples/echo_client.py", f"ws://127.0.0.1:{port}/", stdin="one\ntwo\n")
        assert client.finish() == "one\ntwo\n"
        assert client.process.returncode == 0


def test_echo_client_says_in_one_line_that_nobody_listens():
    url = f"ws://127.0.0.1:{free_port()}/"
    client = Program("examples/echo_client.py", url)
    said = client.finish()
    assert said.startswith(f"cannot connect to {url}")
    assert said.count("\n") == 1
    assert client.process.returncode == 1


def test_json_api_keeps_tasks():
    port = free_port()
    with running("examples/json_api.py", PORT=str(port)) as server:
        server.wait_for(LISTENING)
        task = {"id": 1, "title": "Water the plants", "done": False}
        assert call(port, "/tasks", "POST", {"title": "Water the plants"}) == (201, task)
        assert call(port, "/tasks/1", "PATCH", {"done": True}) == (200, {**task, "done": True})
        assert call(port, "/tasks") == (200, [{**task, "done": True}])
        assert call(port, "/tasks/1", "DELETE") == (204, "")
        assert call(port, "/tasks/1") == (404, {"error": "there is no task 1"})
        assert call(port, "/tasks", "POST", {"title": ""})[0] == 400
        assert call(port, "/tasks", "POST", [])[0] == 400
        assert call(port, "/nowhere") == (404, {"error": "Not Found"})
        assert call(port, "/tasks", "PUT", {})[0] == 405


def test_static_site_serves_a_folder_and_nothing_outside(tmp_path):
    (tmp_path / "secret").write_text("outside")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<h1>Home</h1>")
    (site / "page.html").write_text("<h1>Page</h1>")
    port = free_port()
    with running("examples/static_site.py", str(site), PORT=str(port)) as server:
        server.wait_for(LISTENING)
        assert call(port, "/") == (200, "<h1>Home</h1>")
        assert call(port, "/page.html") == (200, "<h1>Page</h1>")
        assert call(port, "/absent.html")[0] == 404
        assert call(port, "/../secret")[0] in (400, 403, 404)
        assert call(port, "/%2e%2e/secret")[0] in (400, 403, 404)


def test_static_site_says_in_one_line_that_the_folder_is_no_site(tmp_path):
    program = Program("examples/static_site.py", str(tmp_path))
    assert "has no index.html" in program.finish()
    assert program.process.returncode == 1


def test_broadcast_reaches_every_watcher():
    port = str(free_port())
    with running("examples/broadcast.py", PORT=port) as server:
        server.wait_for(LISTENING)
        with (
            running("examples/broadcast.py", "watch", PORT=port) as one,
            running("examples/broadcast.py", "watch", PORT=port) as two,
        ):
            for watcher in (one, two):
                assert float(watcher.wait_for(r"^\d+\.\d+$")[0]) > 0


async def test_trading_has_prices_by_a_listener_and_a_chat_by_a_coroutine():
    port = str(free_port())
    with running("examples/trading.py", PORT=port) as server:
        server.wait_for(LISTENING)
        with running("examples/trading.py", "watch", PORT=port) as watcher:
            assert float(watcher.wait_for(r"^\d+\.\d+$")[0]) > 0
        async with connect(f"ws://127.0.0.1:{port}/chat?name=ann") as ws:
            await ws.send("sell")
            assert await asyncio.wait_for(ws.recv(), 10) == "ann: sell"
        assert call(int(port), "/prices")[0] == 401


@pytest.fixture
def chat():
    port = free_port()
    with running("examples/chat/server.py", PORT=str(port)) as server:
        server.wait_for(LISTENING)
        yield port


async def join(port: int, name: object, room: str = "lobby"):
    ws = await connect(f"ws://127.0.0.1:{port}/chat", compression=None, max_queue=None)
    await ws.send(json.dumps({"type": "join", "room": room, "name": name, "key": f"of {name}"}))
    return ws


async def hear(ws, kind: str) -> dict:
    """The next event of a kind; others are passed over."""
    while True:
        event = json.loads(await asyncio.wait_for(ws.recv(), 10))
        if event["type"] == kind:
            return event


async def test_chat_refuses_a_message_that_is_too_long_and_goes_on(chat):
    ws = await join(chat, "Ada")
    await hear(ws, "welcome")
    await ws.send(json.dumps({"type": "say", "text": "x" * 2001, "ref": "long"}))
    refused = await hear(ws, "refused")
    assert refused["ref"] == "long"
    assert "2001" in refused["text"]
    await ws.send(json.dumps({"type": "say", "text": "short", "ref": "b"}))
    assert (await hear(ws, "message"))["message"]["text"] == "short"
    await ws.close()


async def test_chat_refuses_a_flood_of_messages(chat):
    ws = await join(chat, "Ada")
    for number in range(30):
        await ws.send(json.dumps({"type": "say", "text": "again", "ref": str(number)}))
    assert "faster" in (await hear(ws, "refused"))["text"]
    await ws.close()


async def test_chat_cleans_names_and_tells_namesakes_apart(chat):
    one = await join(chat, "Ada\n\u202e  L" + "o" * 99)
    assert (await hear(one, "welcome"))["you"]["name"] == "Ada L" + "o" * 19
    two, three = await join(chat, "Ben"), await join(chat, "ben")
    assert (await hear(two, "welcome"))["you"]["name"] == "Ben"
    assert (await hear(three, "welcome"))["you"]["name"] == "ben 2"
    nobody = await join(chat, 7)
    assert (await hear(nobody, "welcome"))["you"]["name"] == "Guest"
    for ws in (one, two, three, nobody):
        await ws.close()


@pytest.mark.parametrize("first", ["[]", "not JSON", '{"type": "join", "room": "lobby"'])
async def test_chat_closes_with_1008_what_it_does_not_understand(chat, first):
    ws = await connect(f"ws://127.0.0.1:{chat}/chat")
    await ws.send(first)
    await asyncio.wait_for(ws.wait_closed(), 10)
    assert ws.close_code == 1008


async def test_chat_shows_others_an_author_and_not_the_key(chat):
    ada, ben = await join(chat, "Ada"), await join(chat, "Ben")
    await hear(ben, "welcome")
    await ada.send(json.dumps({"type": "say", "text": "hello", "ref": "1"}))
    event = await hear(ben, "message")
    assert event["message"]["from"]["author"]
    assert "of Ada" not in json.dumps(event)
    for ws in (ada, ben):
        await ws.close()


@pytest.fixture(scope="module")
def rooms():
    path = ROOT / "examples" / "chat" / "rooms.py"
    spec = importlib.util.spec_from_file_location("rooms", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_one_who_does_not_read_is_cut_off_and_holds_up_nobody_in_the_chat(rooms):
    cut = []
    slow = rooms.Member("Slow", "a", cut_off=lambda: cut.append("slow"))
    quick = rooms.Member("Quick", "b", cut_off=lambda: cut.append("quick"))
    room = rooms.Room("lobby")
    room.join(slow)
    room.join(quick)
    for number in range(rooms.MAX_OUTBOX):
        room.say(quick, "text", str(number))
        while not quick.outbox.empty():
            quick.outbox.get_nowait()
    assert cut == ["slow"]


async def test_a_new_chat_room_takes_the_place_of_an_empty_one_only(rooms):
    chat = rooms.Chat()
    for number in range(rooms.MAX_ROOMS):
        chat.room(str(number)).join(rooms.Member("Ada", None, cut_off=lambda: None))
    with pytest.raises(rooms.Refused, match="200 rooms"):
        chat.room("one more")
    seventh = chat.room("7")
    for member in list(seventh.members.values()):
        seventh.leave(member)
    assert chat.room("one more") is not None
    assert "7" not in {room["name"] for room in chat.busiest(limit=1000)}
