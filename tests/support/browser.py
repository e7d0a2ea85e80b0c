"""The system's Chromium, and what a page that it opens may not do."""

from contextlib import contextmanager

import pytest

from bench.reporting.html.screenshot import browser_arguments, find_browser
from fmnist_jax.errors import UserError


@contextmanager
def launched():
    """A headless browser; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    try:
        path = find_browser()
    except UserError as error:
        pytest.skip(str(error))
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=browser_arguments())
        yield browser
        browser.close()


@contextmanager
def opened(browser, path, **settings):
    """A page that is opened without a network; it may not fetch, complain or fail."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | settings))
    context.set_offline(True)
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: faults.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert [fault for fault in faults if fault != path.as_uri() and fault[:5] != "data:"] == []
