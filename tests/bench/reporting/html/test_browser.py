"""The page in a real browser: it sorts, filters, hides, hovers, and stays quiet."""

import pytest

from bench.reporting.html.charts import CHARTS
from bench.reporting.html.page import make_page
from tests.contract.test_reporting import RESULTS
from tests.support.browser import launched, opened
from tests.support.factory import make_case, make_record
from tests.support.results_folder import HOSTILE, add, fill, fill_crowd, fill_hostile

ACCURACY = '[data-section="accuracy"]'


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Make the page of a results folder that a function fills."""

    def write(fill_folder):
        folder = tmp_path_factory.mktemp("results")
        fill_folder(folder)
        path = folder / "report.html"
        path.write_text(make_page(folder, folder), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def whole_page(write):
    return write(fill)


@pytest.fixture(scope="module")
def page(browser, whole_page):
    """A page that several tests use; each leaves it as it was."""
    with opened(browser, whole_page, permissions=["clipboard-read", "clipboard-write"]) as found:
        yield found


def column(page, number, section=ACCURACY):
    """The texts of the visible cells of a column."""
    cells = page.locator(f"{section} tbody tr:visible td:nth-child({number})")
    return cells.all_inner_texts()


def chart(page, name):
    """A chart that has been drawn, since it was scrolled to."""
    figure = page.locator(f'figure[data-name="{name}"]')
    topic = page.locator("section", has=figure)
    for _ in range(100):  # it moves while what stands above it is laid out
        topic.evaluate("topic => topic.scrollIntoView()")  # far away, its content has no layout
        page.wait_for_timeout(100)
        figure.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
        if figure.locator(".main-svg").count():
            return figure
    raise AssertionError(f"{name} was not drawn")


def test_a_click_sorts_and_says_so(page):
    head = page.locator(f"{ACCURACY} th", has_text="test accuracy")
    head.get_by_role("button").click()
    assert column(page, 3) == ["89.00%", "90.00%", "92.00%", "93.00%"]
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").press("Enter")
    assert column(page, 3) == ["93.00%", "92.00%", "90.00%", "89.00%"]
    assert "descending" in page.locator("#status").inner_text()
    page.locator(f"{ACCURACY} th button", has_text="machine").click()
    assert page.locator(f"{ACCURACY} th[aria-sort]").count() == 1
    assert column(page, 3)[:2] == ["93.00%", "90.00%"]


def test_what_is_missing_is_last_in_both_directions(page):
    records = '[data-section="records"]'
    button = page.locator(f"{records} th button", has_text="error")
    heads = page.locator(f"{records} th").all_text_contents()
    number = next(n for n, head in enumerate(heads, 1) if head.startswith("error"))
    for _ in range(2):
        button.click()
        assert column(page, number, records) == ["because", "–", "–", "–", "–"]


def test_a_filter_leaves_the_rows_with_all_its_words(page):
    filters = page.locator('.section[data-section="per_class"] input[type=search]').first
    filters.fill("shirt")
    section = '.section[data-section="per_class"]:has(:text("of 12 rows"))'
    assert column(page, 1, section) == ["T-shirt/top", "Shirt"]
    filters.fill("shirt top")
    assert column(page, 1, section) == ["T-shirt/top"]
    filters.fill("")
    assert page.locator('[data-section="per_class"] .count').first.inner_text() == "12 rows"


def test_columns_are_hidden_and_shown(page):
    head = page.locator(f"{ACCURACY} th", has_text="95% of images")
    page.locator(f"{ACCURACY} summary").click()
    box = page.locator(f"{ACCURACY} .choose label", has_text="95% of images")
    box.click()
    assert not head.is_visible()
    assert not page.locator(f"{ACCURACY} tbody td:nth-child(4)").first.is_visible()
    box.click()
    assert head.is_visible()
    page.locator(f"{ACCURACY} summary").click()


def test_charts_wait_until_they_are_seen_and_follow_the_choice(page):
    figure = chart(page, "learning")
    assert figure.locator(".ytitle").text_content() == "accuracy, %"
    figure.locator("select").select_option(label="loss over seconds")
    assert figure.locator(".ytitle").text_content() == "cross-entropy, nats"
    assert figure.locator(".xtitle").text_content() == "seconds of training"
    assert figure.locator(".group").inner_text() == "one"


def test_hovering_over_a_confusion_matrix_names_the_cell(page):
    figure = chart(page, "confusion")
    box = figure.locator(".heatmaplayer image, .heatmaplayer").first.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.move(box["x"] + 6, box["y"] + 6)
    text = page.locator(".hoverlayer .hovertext").first
    text.wait_for()
    assert "true: T-shirt/top" in text.text_content()
    assert "93 images, 93.0% of the class" in text.text_content()


def test_one_click_copies_command_and_environment(page):
    page.locator('[data-section="records"] button.copy').first.click()
    page.get_by_text("Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("python -m bench run knn\n\n")
    assert "machine.cpu: Test CPU" in copied or "machine.cpu: CPU" in copied
    assert "software.jax: 0.10.2" in copied


def test_the_theme_follows_the_system_charts_too(page):
    figure = chart(page, "tradeoff")
    look = (
        "e => [getComputedStyle(document.body).backgroundColor, "
        "getComputedStyle(e.querySelector('.xtitle')).fill]"
    )
    light = figure.evaluate(look)
    page.emulate_media(color_scheme="dark")
    dark = figure.evaluate(look)
    page.emulate_media(color_scheme="light")
    assert light == ["rgb(252, 252, 251)", "rgb(20, 20, 15)"]
    assert dark == ["rgb(26, 26, 25)", "rgb(244, 243, 238)"]
    assert figure.evaluate(look) == light


def test_on_paper_every_chart_is_there_and_light(browser, whole_page):
    with opened(browser, whole_page, color_scheme="dark") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.locator("figure.chart .main-svg:first-child").count() == len(CHARTS)
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(20, 20, 15)"
        assert page.pdf().startswith(b"%PDF")
        # Chromium repeats a table's header on each page, but draws its buttons only once.
        header = page.locator("th button").first
        assert header.evaluate("e => getComputedStyle(e).display") == "contents"


def test_no_serious_fault_of_accessibility(browser, whole_page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    with opened(browser, whole_page, bypass_csp=True) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        for width, scheme in ((400, "light"), (1280, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            chart(page, "confusion")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response
            serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
            assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == []


def test_a_link_leads_to_its_chapter(page):
    for name in ("records", "trust", "hardware"):
        page.locator(f'nav a[href="#{name}"]').click()
        page.wait_for_timeout(500)
        assert 0 < page.locator(f"#{name}").bounding_box()["y"] < 200


def test_an_empty_folder_is_a_quiet_page(browser, write):
    with opened(browser, write(lambda folder: None)) as page:
        assert page.get_by_text("There is no record yet").is_visible()


def test_failed_records_are_listed(browser, write):
    with opened(browser, write(lambda folder: add(folder, make_record(status="oom")))) as page:
        assert page.get_by_text("1 run did not finish (1 out of memory)").is_visible()
        assert "oom" in page.locator('[data-section="records"] tbody').inner_text()


def test_synthetic_data_is_marked_on_every_screen(browser, write):
    def fill_synthetic(folder):
        add(folder, make_record(make_case("knn", dataset="synthetic")))

    with opened(browser, write(fill_synthetic), viewport={"width": 400, "height": 500}) as page:
        height = page.evaluate("document.documentElement.scrollHeight")
        for top in range(0, height, 400):
            page.evaluate(f"scrollTo(0, {top})")
            box = page.locator(".banner").bounding_box()
            assert 0 <= box["y"] < 10


def test_names_with_markup_are_text(browser, write):
    with opened(browser, write(fill_hostile)) as page:
        assert page.get_by_text(HOSTILE).first.is_visible()
        figure = chart(page, "confusion")
        assert HOSTILE in figure.locator(".group").inner_text()
        assert HOSTILE in chart(page, "tradeoff").locator(".legend").text_content()
        assert page.locator("b, img[onerror]").count() == 0


def test_a_hundred_machines_stay_usable(browser, write):
    path = write(fill_crowd)
    with opened(browser, path) as page:
        assert page.get_by_text("95 more machines").is_visible()
        assert len(column(page, 1)) == 100
        page.locator(f"{ACCURACY} input[type=search]").fill("machine-042")
        assert len(column(page, 1)) == 1
        chooser = page.locator(".tables:has([data-section=explanations]) .chooser select")
        chooser.select_option(index=50)
        assert page.locator('.section[data-section="explanations"]:visible').count() == 1
        chart(page, "hardware")


def test_the_page_of_the_committed_records_is_small_and_draws(browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(make_page(RESULTS, tmp_path), encoding="utf-8")
    assert path.stat().st_size < 15e6
    with opened(browser, path) as page:
        for name in ("tradeoff", "calibration"):
            chart(page, name)
