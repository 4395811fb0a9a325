"""The page in a real browser: hostile text stays text, runs nothing and asks for nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hostile import HOSTILE, poison

from noisy_student.report.html import render

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RESULTS = json.loads((Path(__file__).parents[1] / "report/results.json").read_text())
REACHING = [
    "<script>document.title = 'owned'; fetch('/owned')</script>",
    "<script src=/owned></script>",
    "<img src=/owned onerror=\"document.title='owned'\">",
    "<svg/onload=fetch('/owned')>",
    "</style><link rel=stylesheet href=/owned><style>@import '/owned';",
    "</title></text></svg><iframe src=/owned></iframe>",
    '"><object data=/owned></object><meta http-equiv=refresh content="0;url=/owned">',
    "<form action=/owned><input autofocus onfocus=\"document.title='owned'\">",
]


class Site(ThreadingHTTPServer):
    """A server on loopback with one page; it keeps what it was asked for."""

    def __init__(self, page: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page.encode()
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/page"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        site.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(site.page if self.path == "/page" else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found is not None, "install Debian's chromium, or leave out the marker browser"
    return found


def shown(page: str, browser: str, profile: Path, *more: str) -> tuple[str, list[str]]:
    """The page's document after its scripts had their time, and what was asked of its server."""
    site = Site(page)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    quiet = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    command = [
        browser,
        *quiet,
        f"--user-data-dir={profile}",
        "--virtual-time-budget=3000",
        *more,
        "--dump-dom",
        site.address,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    finally:
        site.shutdown()
        site.server_close()
    return done.stdout, site.asked


def test_a_page_that_is_not_escaped_would_be_caught(browser: str, tmp_path: Path) -> None:
    document, asked = shown(f"<title>fine</title>{REACHING[0]}{REACHING[2]}", browser, tmp_path)
    assert "<title>owned</title>" in document
    assert "/owned" in asked


def test_hostile_text_is_shown_and_does_nothing(browser: str, tmp_path: Path) -> None:
    text = "\n".join([*HOSTILE, *REACHING])
    small = RESULTS | {"conditions": RESULTS["conditions"][:2], "findings": RESULTS["findings"][:2]}
    document, asked = shown(render(poison(small, text), {f"{text}-1": [{"step": 1, "loss": 1.0}]}), browser, tmp_path)
    assert asked == ["/page"]
    assert "<title>owned" not in document
    assert "<iframe" not in document
    assert "&lt;iframe src=/owned&gt;" in document
    assert "49" not in document.split("{{7*7}}")[1][:40], "no template is filled in twice"


def test_the_page_of_a_run_asks_for_nothing(browser: str, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "results/laptop-smoke/report.html").read_text()
    document, asked = shown(page, browser, tmp_path)
    assert asked == ["/page"]
    assert "Findings" in document


def test_no_table_of_a_wide_window_scrolls_sideways(browser: str, tmp_path: Path) -> None:
    published = Path(__file__).parents[2] / "results/combined/results.json"
    page = render(json.loads(published.read_text(encoding="utf-8")), {})
    # The page has no script; the measure is put in, as its policy is taken out.
    policy = page[page.index('<meta http-equiv="Content-Security-Policy"') :]
    page = page.replace(policy[: policy.index(">") + 1], "")
    measure = (
        "<script>addEventListener('load', () => { document.title = [...document.querySelectorAll('.box')]"
        ".map(box => box.scrollWidth - box.clientWidth).join() })</script>"
    )
    assert page.count("</body>") == 1
    document, _ = shown(page.replace("</body>", f"{measure}</body>"), browser, tmp_path, "--window-size=1200,900")
    title = document[document.index("<title>") + len("<title>") : document.index("</title>")]
    assert len(title.split(",")) > 5
    assert set(title.split(",")) == {"0"}
