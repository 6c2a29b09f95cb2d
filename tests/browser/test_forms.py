"""Forms that a browser sends: fields, files, and names that need escapes."""

import json

import pytest

from aiohttp_ws import web
from tests.web.serving import serving

pytestmark = pytest.mark.peer("chromium", "websockets")

PAGE = """<!doctype html><meta charset=utf-8><link rel=icon href="data:,">
<form method=post action=/upload enctype=multipart/form-data>
<input type=hidden name=_charset_><input name="t\u00e4xt" value="\u20ac 1">
<textarea name='q"uote'>a\nb</textarea><input type=file name=file>
</form>"""

SUBMIT = """
const chosen = new DataTransfer();
chosen.items.add(new File(["x".repeat(2 << 20)], 'n\u00e4me "q".txt', {type: "text/x-odd"}));
document.querySelector("[type=file]").files = chosen.files;
fetch("/upload", {method: "POST", body: new FormData(document.forms[0])})
  .then(response => response.text())
  .then(text => document.body.insertAdjacentHTML("beforeend", text));
"""


async def show(request):
    return web.Response(text=PAGE, content_type="text/html")


async def upload(request):
    found = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            found[name] = [value.filename, value.content_type, len(value.file.read())]
        else:
            found[name] = value
    return web.Response(text=f"<pre>{json.dumps(found)}</pre>", content_type="text/html")


async def test_a_form_with_a_file_arrives_whole(chromium):
    app = web.Application(client_max_size=4 * 2**20)
    app.router.add_get("/", show)
    app.router.add_post("/upload", upload)
    async with serving(app) as site:
        page = await chromium.page(site.url)
        try:
            await page.evaluate(SUBMIT)
            await page.until("document.querySelector('pre') !== null")
            found = json.loads(await page.text("pre"))
        finally:
            await page.close()
    # HTML: quotes are percent-encoded in names, and lines of text end in CR LF.
    assert found == {
        "t\u00e4xt": "\u20ac 1",
        "q%22uote": "a\r\nb",
        "file": ["n\u00e4me %22q%22.txt", "text/x-odd", 2 << 20],
    }
