"""The site: built as a visitor gets it, and read in a browser."""

import functools
import http.server
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import pytest

from browser import chromium, page_of, wait_state, wait_text

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / ".github/site"))

import build  # noqa: E402 - lies beside the site's configuration

pytestmark = pytest.mark.slow
SHORT_S = 2


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, ROOT / ".github/site/build.py", "--out", out], check=True, timeout=100)
    return out


@contextmanager
def served(folder):
    """The address of a plain file server, which is all that a site needs."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_visitor_sees_the_hand_move_and_loads_nothing_from_elsewhere(site):
    with served(site) as url, chromium() as browser, page_of(browser, url) as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_role("link", name="See it move", exact=True).first.click()
        live = page.frame_locator("iframe")
        live.locator("[data-state=ARMED]").wait_for()
        angles = set()
        for _ in range(10):
            angles.add(live.locator("#fingers").inner_text())
            page.wait_for_timeout(500)
        assert len(angles) > 2, "the fingers move"
        assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []


def test_the_page_plays_the_session_again_and_never_says_that_it_lost_a_daemon(site, tmp_path):
    short = copytree(site / "live", tmp_path / "live")
    messages = json.loads((short / "session.json").read_text(encoding="utf-8"))
    (short / "session.json").write_text(json.dumps([at for at in messages if at[0] < SHORT_S]), encoding="utf-8")
    with served(short) as url, chromium() as browser, page_of(browser, url) as page:
        wait_state(page, "ARMED")
        wait_text(page, "#source", "a recorded session of the simulated wearer")
        page.evaluate("window.named = new Set()")
        page.evaluate(
            "new MutationObserver(() => named.add(document.querySelector('#state-name').textContent))"
            ".observe(document.querySelector('#state'), {subtree: true, childList: true, characterData: true})"
        )
        page.wait_for_timeout(2500 * SHORT_S)
        assert set(page.evaluate("[...named]")) <= {"ARMED"}


def test_the_search_finds_a_word_and_the_interfaces_are_described(site):
    assert "SETPOINT" in (site / "search/search_index.json").read_text(encoding="utf-8")
    assert "timeout_s" in (site / "feed/index.html").read_text(encoding="utf-8")
    assert "prefilter_sos" in (site / "model-file/index.html").read_text(encoding="utf-8")


def test_a_link_that_leads_nowhere_is_refused_by_name(tmp_path):
    nowhere = ["host/NOWHERE.md", "host/README.md#no-such-heading"]
    build.lay_out(tmp_path / "pages")
    with (tmp_path / "pages/README.md").open("a", encoding="utf-8") as page:
        page.write("".join(f"\n[lost]({link})\n" for link in nowhere))
    result = subprocess.run(
        build.mkdocs_command(tmp_path, tmp_path / "out"), capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert [link for link in nowhere if link not in result.stderr] == []
