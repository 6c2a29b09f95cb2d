"""A browser page, driven through the DevTools protocol over a WebSocket."""

import asyncio
import base64
import contextlib
import itertools
import json
import re
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.peers import import_peer

websockets = import_peer("websockets")

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # as root, and in a container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--remote-debugging-port=0",
)
TIMEOUT = 30.0  # seconds for anything a page is asked for

# Resolves when EXPRESSION is true of the document; looks again after each change of it.
UNTIL = """new Promise((resolve) => {
  const look = () => { if (%s) { observer.disconnect(); resolve(true); } };
  const observer = new MutationObserver(look);
  observer.observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true });
  look();
})"""


class Chromium:
    """One browser process; each ``page`` is a person of their own (cookies, storage)."""

    def __init__(self, program: str, profile: Path) -> None:
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self.address = self._address()

    def _address(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if match := re.search(r"DevTools listening on (ws://\S+)", line):
                return match[1]
        raise AssertionError(f"Chromium did not start:\n{''.join(self.said)}")

    async def page(self, url: str, *, width: int = 1000, height: int = 700, **media: str) -> "Page":
        async with Session(self.address) as browser:
            person = await browser.command("Target.createBrowserContext", disposeOnDetach=False)
            target = await browser.command(
                "Target.createTarget",
                url="about:blank",
                browserContextId=person["browserContextId"],
            )
        root = self.address.partition("/devtools/")[0]
        page = Page(f"{root}/devtools/page/{target['targetId']}")
        await page.open(url, width, height, media)
        return page

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


class Session:
    """Commands and their answers, over one WebSocket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.faults: list[str] = []
        self._numbers = itertools.count(1)
        self._loaded: asyncio.Future[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def __aenter__(self) -> "Session":
        self._socket = await websockets.connect(self.address, max_size=None, compression=None)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._socket.close()
        await self._reader

    async def command(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        try:
            return await asyncio.wait_for(answer, TIMEOUT)
        except (TimeoutError, asyncio.TimeoutError):
            raise AssertionError(f"no answer in {TIMEOUT} s: {method} {parameters}") from None

    async def _read(self) -> None:
        # Chromium cuts the connection of a page that closes, with no closing handshake.
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in self._socket:
                message = json.loads(text)
                if "id" in message:
                    self._answer(message)
                else:
                    self._note(message["method"], message["params"])
        for answer in self._waiting.values():
            answer.set_exception(AssertionError("the page is gone"))

    def _answer(self, message: dict[str, Any]) -> None:
        answer = self._waiting.pop(message["id"])
        if answer.done():
            return
        if "error" in message:
            answer.set_exception(AssertionError(message["error"]))
        else:
            answer.set_result(message["result"])

    def _note(self, method: str, what: dict[str, Any]) -> None:
        if method == "Page.loadEventFired" and self._loaded and not self._loaded.done():
            self._loaded.set_result(None)
        elif method == "Runtime.exceptionThrown":
            self.faults.append(json.dumps(what["exceptionDetails"]))


class Page(Session):
    async def open(self, url: str, width: int, height: int, media: dict[str, str]) -> None:
        await self.__aenter__()
        await self.command("Page.enable")
        await self.command("Runtime.enable")
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": name.replace("_", "-"), "value": v} for name, v in media.items()]
        await self.command("Emulation.setEmulatedMedia", features=features)
        await self.load("Page.navigate", url=url)

    async def load(self, method: str, **parameters: Any) -> None:
        """Navigate or reload, and wait until the new document is loaded."""
        self._loaded = asyncio.get_running_loop().create_future()
        await self.command(method, **parameters)
        await asyncio.wait_for(self._loaded, TIMEOUT)

    async def close(self) -> None:
        with contextlib.suppress(AssertionError):  # gone before it could say so
            await self.command("Page.close")
        await self.__aexit__(None, None, None)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        answer = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds of the document that is there now."""
        await self.evaluate(UNTIL % condition)

    async def text(self, selector: str) -> str:
        text: str = await self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".map((found) => found.textContent).join('\\n')"
        )
        return text

    async def until_text(self, selector: str, wanted: str) -> None:
        """Wait until an element that ``selector`` names contains ``wanted``."""
        await self.until(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".some((found) => found.textContent.includes({json.dumps(wanted)}))"
        )

    async def write(self, text: str) -> None:
        """Type into whatever has the focus."""
        await self.command("Input.insertText", text=text)

    async def press(self, key: str, code: int, text: str = "", modifiers: int = 0) -> None:
        """Press a key as a keyboard does. ``code`` is its Windows virtual key code."""
        what = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        await self.command(
            "Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **what
        )
        await self.command("Input.dispatchKeyEvent", type="keyUp", **what)

    async def enter(self) -> None:
        await self.press("Enter", 13, "\r")

    async def escape(self) -> None:
        await self.press("Escape", 27)

    async def tab(self) -> None:
        await self.press("Tab", 9)

    async def screenshot(self) -> bytes:
        answer = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])
