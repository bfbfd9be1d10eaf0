"""The pages in a real browser: on a phone and on a screen, light and dark, without any script, under their own policy."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sample_reports import failing, hostile, passing

from schemaspec.report import render

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr",
    "--virtual-time-budget=20000", "--dump-dom",
)  # fmt: skip
WIDTHS = (390, 1280)
# The frames may run no script, so what is measured there works without; this page measures.
MEASURE = """<!doctype html><meta charset="utf-8"><body><script>
const pages = %s, widths = %s, found = [];
function measured(page, width) {
  return new Promise(done => {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-same-origin");
    frame.style.cssText = `width:${width}px;height:900px;border:0`;
    frame.onload = () => {
      const document = frame.contentDocument, root = document.documentElement;
      const closed = root.scrollWidth;
      document.querySelectorAll("details").forEach(item => item.open = true);
      const body = frame.contentWindow.getComputedStyle(document.body);
      const wide = [...document.querySelectorAll("body *")].filter(item => !item.closest("svg") && item.getBoundingClientRect().right > width + 1);
      found.push({page, width, closed, open: root.scrollWidth, font: body.fontFamily, ground: body.backgroundColor,
        height: root.scrollHeight, text: document.body.innerText.length, wide: wide.map(item => item.className || item.tagName).slice(0, 5)});
      frame.remove();
      done();
    };
    frame.src = page;
    window.document.body.append(frame);
  });
}
(async () => {
  for (const page of pages) for (const width of widths) await measured(page, width);
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
})();
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The browser; without one the run says so loudly, and fails where it must be there."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is not None:
        return found
    message = f"!!! NO BROWSER HERE (none of {', '.join(BROWSERS)}): the pages were looked at by none !!!"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    print(f"\n{message}")
    pytest.skip(message)


def _pages() -> Mapping[str, str]:
    from test_checklist import FACTS

    from schemaspec.report.checklist import build_checklist, render_checklist

    long = "averyveryverylongnamewithoutanyplacetobreakitanywhere" * 6
    return {
        "pass.html": render(passing(), "html"),
        "fail.html": render(failing(), "html"),
        "hostile.html": render(hostile("<b>x</b> \u202e " + long), "html"),
        "checklist.html": render_checklist(build_checklist(replace(FACTS, title=long, database=long, revision=long)), "html"),
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address that it is served at."""
    folder = tmp_path_factory.mktemp("pages")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages = _pages()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "measure.html").write_text(MEASURE % (json.dumps(list(pages)), json.dumps(WIDTHS)), encoding="utf-8")
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _open(browser: str, address: str, profile: Path, *flags: str) -> tuple[str, list[str]]:
    """The page as it is in the end, and what the browser's console says."""
    done = subprocess.run(
        [browser, *FLAGS, *flags, f"--user-data-dir={profile}", address],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_pages_fit_and_need_no_script(browser: str, place: tuple[Path, str], tmp_path: Path, scheme: str) -> None:
    setting = f"--blink-settings=preferredColorScheme={('dark', 'light').index(scheme)}"
    page, said = _open(browser, f"{place[1]}/measure.html", tmp_path, "--window-size=1400,1000", setting)
    assert [line for line in said if "favicon" not in line] == []
    found = re.search(r'<pre id="found">(.*?)</pre>', page, re.DOTALL)
    assert found is not None, page[-2000:]
    measured = json.loads(unescape(found[1]))
    assert len(measured) == 4 * len(WIDTHS)
    for item in measured:
        assert item["closed"] <= item["width"] and item["open"] <= item["width"], item
        assert item["wide"] == [], item
        assert "Times" not in item["font"] and item["text"] > 300, item  # the style sheet is let in by the policy
        red, green, blue = map(int, re.findall(r"\d+", item["ground"])[:3])
        assert (red + green + blue < 384) == (scheme == "dark"), item


@pytest.mark.parametrize("name", ["pass.html", "fail.html", "hostile.html", "checklist.html"])
def test_the_policy_is_kept_and_nothing_is_loaded(browser: str, place: tuple[Path, str], tmp_path: Path, name: str) -> None:
    page, said = _open(browser, (place[0] / name).as_uri(), tmp_path)
    assert said == []
    assert "</html>" in page


def test_a_policy_that_is_broken_would_be_seen(browser: str, place: tuple[Path, str], tmp_path: Path) -> None:
    broken = place[0] / "broken.html"
    broken.write_text((place[0] / "pass.html").read_text("utf-8").replace("</main>", "<img src=x><script>1</script></main>"))
    assert len(_open(browser, broken.as_uri(), tmp_path)[1]) >= 2
