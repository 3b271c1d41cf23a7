"""The page in a browser without a window: nothing complains, the explorer opens where the address says."""

import re
import shutil
import subprocess

import pytest

from benchmarks.report import make_document
from twin_env.report.evaluation_page.page import render_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"),
    *("--enable-logging=stderr", "--virtual-time-budget=4000", "--window-size=360,740"),
)


def opened(file, fragment=""):
    """The document as scripts left it, and what was said on the console."""
    profile = f"--user-data-dir={file.parent / 'profile'}"
    line = [BROWSER, *FLAGS, profile, "--dump-dom", f"{file.as_uri()}{fragment}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [said for said in done.stderr.splitlines() if ":CONSOLE" in said]


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render_page(make_document(2, 5)), encoding="utf-8")
    return file


def test_the_explorer_opens_at_the_moment_of_the_address(page):
    dom, said = opened(page, "#policy=policy_1&seed=101&t=75.2")
    assert said == []
    assert re.search(r'<div id="episode-explorer">', dom)
    assert re.search(r'<output id="explorer-now">75\.00 s of 299\.50 s</output>', dom)
    assert "<dt>working orders</dt><dd>1</dd>" in dom
    assert dom.count('<tr data-t="') == 2 * 19 and 'class="later"' in dom


def test_what_an_address_does_not_name_is_the_first_episode(page):
    dom, said = opened(page, "#policy=nobody&seed=7&t=1")
    assert said == [] and "0.00 s of 299.50 s</output>" in dom


def test_what_a_page_complains_of_is_heard(page):
    page.write_text(page.read_text(encoding="utf-8").replace('"use strict";', "undefinedName();", 1), encoding="utf-8")
    dom, said = opened(page)
    assert len(said) == 1 and "undefinedName" in said[0]
    assert '<div id="episode-explorer" hidden' in dom
