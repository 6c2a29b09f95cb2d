from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.browser.devtools import Chromium, Page
from tests.programs import Program, free_port


class Chat:
    """The demo, as ``make run`` starts it; it can be restarted on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.program = Program("examples/chat/server.py", PORT=str(self.port))
        self.program.wait_for("The chat is at")

    def stop(self) -> None:
        self.program.stop()


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    try:
        yield chat
    finally:
        if chat.program.process.returncode is None:
            chat.stop()


@pytest.fixture(scope="session")
def chromium(
    peer: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chromium]:
    browser = Chromium(peer("chromium"), tmp_path_factory.mktemp("profile"))
    yield browser
    browser.stop()


@pytest.fixture
async def person(chromium: Chromium, chat: Chat) -> AsyncIterator[Callable[..., object]]:
    """Open the chat in a tab of its own and come in under a name."""
    pages: list[Page] = []

    async def open_tab(name: str, room: str = "lobby", **look: object) -> Page:
        page = await chromium.page(f"{chat.url}/#{room}", **look)
        pages.append(page)
        await page.until("document.querySelector('#welcome').open")
        await page.write(name)
        await page.enter()
        await page.until_text("#people li", name)
        return page

    yield open_tab
    faults = [fault for page in pages for fault in page.faults]
    for page in pages:
        await page.close()
    assert not faults, f"the page raised: {faults}"
