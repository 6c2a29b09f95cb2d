"""The demo page in a real browser, with real keys."""

import pytest

from tests.browser.png import colours

pytestmark = pytest.mark.peer("chromium", "websockets")


async def test_two_tabs_chat(person):
    ada = await person("Ada")
    ben = await person("Ben")
    await ada.until_text("#people", "Ben")
    await ben.write("Is anybody here?")
    await ada.until_text("#typing", "Ben is writing")
    await ben.enter()
    await ada.until_text(".message:not(.mine) .bubble", "Is anybody here?")
    await ada.until("document.querySelector('#typing').textContent === ''")
    await ada.write("I am.")
    await ada.enter()
    await ben.until_text(".message:not(.mine) .bubble", "I am.")
    assert await ben.text(".message.mine .bubble") == "Is anybody here?"


async def test_the_latency_of_a_message_is_shown(person):
    """``until`` fails the test when the page does not come to show it."""
    page = await person("Ada")
    await page.write("How long did this take?")
    await page.enter()
    await page.until("/^[0-9.]+ ms$/.test(document.querySelector('.mine .state').textContent)")
    await page.until("/^[0-9.]+ ms$/.test(document.querySelector('#latency').textContent)")


async def test_a_newcomer_sees_what_was_said_before(person):
    ada = await person("Ada")
    await ada.write("first")
    await ada.enter()
    await ada.until("document.querySelector('.message[data-sent=yes]') !== null")
    ben = await person("Ben")
    assert "first" in await ben.text(".message:not(.mine) .bubble")


async def test_rooms_do_not_hear_each_other(person):
    """``until`` and ``until_text`` fail the test when the page does not come to show it."""
    ada = await person("Ada", room="north")
    ben = await person("Ben", room="south")
    await ada.write("only the north hears this")
    await ada.enter()
    await ada.until("document.querySelector('.message[data-sent=yes]') !== null")
    await ben.until_text("#rooms", "north")
    await ben.evaluate("location.hash = 'north'")
    await ben.until_text(".bubble", "only the north hears this")
    await ada.until_text("#people", "Ben")


async def test_a_restarted_server_is_found_again_and_gets_what_was_written_meanwhile(person, chat):
    """``until`` and ``until_text`` fail the test when the page does not come to show it."""
    ada = await person("Ada")
    ben = await person("Ben")
    chat.stop()
    for page in (ada, ben):
        await page.until("document.querySelector('#line').dataset.state === 'lost'")
    await ada.write("written while the server was away")
    await ada.enter()
    await ada.until("document.querySelector('.mine').dataset.sent === 'no'")
    chat.start()
    await ada.until("document.querySelector('.mine').dataset.sent === 'yes'")
    await ben.until_text(".message:not(.mine) .bubble", "written while the server was away")
    await ben.until_text(".event", "The server was restarted")


async def test_markup_stays_text(person):
    ada = await person("<b>Ada</b>")
    ben = await person("Ben")
    await ada.write("<img src=x onerror='window.broken = 1'> see https://example.org/?a=1&b=2.")
    await ada.enter()
    await ben.until_text(".bubble", "<img src=x")
    assert (
        await ben.evaluate("document.querySelectorAll('.messages img, .messages b b').length") == 0
    )
    assert await ben.evaluate("window.broken === undefined")
    link = "document.querySelector('.bubble a')"
    assert await ben.evaluate(f"{link}.href") == "https://example.org/?a=1&b=2"
    assert await ben.evaluate(f"{link}.rel") == "noopener noreferrer"


async def test_the_page_is_usable_with_a_keyboard_alone(person):
    page = await person("Ada")
    focused = "document.activeElement.id"
    assert await page.evaluate(focused) == "text"
    await page.escape()
    assert await page.evaluate(focused) == "scroller"
    await page.press("/", 191, "/")
    assert await page.evaluate(focused) == "text"
    await page.write("two")
    await page.press("Enter", 13, "\r", modifiers=8)  # with Shift
    await page.write("lines")
    await page.enter()
    await page.until("document.querySelector('.mine') !== null")
    assert await page.text(".mine .bubble") == "two\nlines"
    nameless = await page.evaluate(
        "[...document.querySelectorAll('button, input, textarea, a')]"
        ".filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))"
        ".map((one) => one.outerHTML)"
    )
    assert nameless == []


async def test_escape_closes_the_rooms_on_a_phone(person):
    page = await person("Ada", width=390, height=700)
    await page.evaluate("document.querySelector('#open-side').click()")
    assert await page.evaluate("document.activeElement.id") == "close-side"
    await page.escape()
    assert await page.evaluate("document.documentElement.dataset.side") == "closed"
    assert await page.evaluate("document.activeElement.id") == "open-side"


async def test_a_long_word_does_not_widen_a_phones_page(person):
    page = await person("Ada", width=360, height=640)
    await page.write("w" * 1500)
    await page.enter()
    await page.until("document.querySelector('.message[data-sent=yes]') !== null")
    width = await page.evaluate(
        "Math.max(document.documentElement.scrollWidth,"
        " document.querySelector('#scroller').scrollWidth)"
    )
    assert width <= 360


async def test_a_message_that_is_too_long_is_not_sent(person):
    page = await person("Ada")
    await page.write("x" * 2001)
    await page.until_text("#left", "-1")
    await page.enter()
    assert await page.evaluate("document.querySelector('.message')") is None
    assert len(await page.evaluate("document.querySelector('#text').value")) == 2001


@pytest.mark.parametrize("width", [1000, 390], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_screenshot_shows_a_page_in_the_systems_colours(person, width, scheme):
    page = await person("Ada", width=width, height=500, prefers_color_scheme=scheme)
    await page.write("Hello")
    await page.enter()
    await page.until("document.querySelector('.message[data-sent=yes]') !== null")
    found = colours(await page.screenshot())
    assert len(found) > 20
    background = found.most_common(1)[0][0]
    assert (sum(background) > 384) == (scheme == "light")


async def test_the_readers_choice_of_colours_is_kept(person, chat):
    page = await person("Ada", prefers_color_scheme="light")
    for _ in range(2):  # as the system -> light -> dark
        await page.evaluate("document.querySelector('#theme').click()")
    await page.load("Page.reload")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
