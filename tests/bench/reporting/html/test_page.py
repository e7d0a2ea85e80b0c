"""The page holds what the records hold, as text, and nothing that they lack."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from bench.reporting.html.page import make_page
from tests.support.factory import make_case, make_record
from tests.support.results_folder import HOSTILE, add, fill, fill_hostile


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def page(results):
    return make_page(results, results)


class Elements(HTMLParser):
    """Collects the start tags of a page, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def of(self, tag):
        return [attributes for found, attributes in self.found if found == tag]


def charts(page):
    """The JSON of each chart, by name."""
    pattern = r'data-name="(\w+)".*?<script type="application/json">(.*?)</script>'
    return {name: json.loads(text) for name, text in re.findall(pattern, page, re.DOTALL)}


def test_it_shows_every_section_and_chart_that_has_rows(page):
    sections = set(re.findall(r'data-section="(\w+)"', page))
    assert {"accuracy", "per_class", "calibration", "robustness", "explanations"} <= sections
    assert {"time_to_target", "roofline", "official", "records"} <= sections
    assert set(charts(page)) == {
        *("tradeoff", "learning", "time_to_accuracy", "confusion", "per_class"),
        *("calibration", "robustness", "hardware", "official", "peers"),
    }


def test_nothing_is_loaded_from_elsewhere(page):
    elements = Elements(page)
    addresses = [
        value
        for _, attributes in elements.found
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert addresses
    assert [a for a in addresses if not a.startswith(("#", "data:"))] == []
    (policy,) = [a["content"] for a in elements.of("meta") if "http-equiv" in a]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "@import" not in page.split("</style>")[0]


def test_plotly_is_embedded_once_and_only_where_there_are_charts(page, tmp_path):
    assert page.count('id="plotly"') == 1
    assert 'id="plotly"' not in make_page(tmp_path, tmp_path)


def test_names_inject_nothing(tmp_path):
    fill_hostile(tmp_path)
    page = make_page(tmp_path, tmp_path)
    elements = Elements(page)
    assert [a for a in elements.of("img") if not a["src"].startswith("data:")] == []
    assert all("onerror" not in attributes for _, attributes in elements.found)
    assert len(elements.of("script")) == page.count("</script>")
    assert elements.of("b") == []
    assert "&lt;b&gt;evil" in page
    texts = json.dumps(charts(page), ensure_ascii=False)
    assert HOSTILE not in texts
    assert "&lt;b&gt;evil" in texts  # plotly would take a tag for markup


def test_an_empty_folder_says_what_to_do(tmp_path):
    page = make_page(tmp_path, tmp_path)
    assert "There is no record yet" in page
    assert "python -m bench run --all" in page
    assert len(page) < 60_000


def test_failed_runs_alone_are_listed_with_their_reason(tmp_path):
    add(tmp_path, make_record(status="failed"))
    page = make_page(tmp_path, tmp_path)
    assert "No run has finished" in page
    assert "1 run did not finish (1 failed)" in page
    assert "because" in page
    assert charts(page) == {}


def test_what_records_lack_is_left_out(tmp_path):
    add(tmp_path, make_record(make_case("knn")))
    found = charts(make_page(tmp_path, tmp_path))
    assert set(found) == {"confusion", "per_class", "official"}


def test_synthetic_records_are_marked_wherever_they_are_seen(tmp_path, results):
    add(tmp_path, make_record(make_case("knn", dataset="synthetic")))
    page = make_page(tmp_path, tmp_path)
    assert "generated pictures; nothing here" in page
    assert "(SYNTHETIC DATA)" in page.split("</title>")[0]
    assert all("SYNTHETIC" in caption for caption in re.findall("<caption>(.*?)</caption>", page))
    assert all("SYNTHETIC" in label for label in re.findall('<optgroup label="(.*?)"', page))
    both = shutil.copytree(results, tmp_path / "both")
    add(both, make_record(make_case("knn", dataset="synthetic")))
    assert "is among these records" in make_page(both, tmp_path)


def test_damaged_files_are_left_out_with_a_warning(tmp_path, caplog):
    add(tmp_path, make_record(), predictions=b"no zip", mistakes=b"<svg onload=alert(1)>")
    page = make_page(tmp_path, tmp_path)
    assert "calibration" not in charts(page)
    assert "alert(1)" not in page
    assert "it is no PNG file" in caplog.text
    assert "without a reliability diagram" in caplog.text


def test_a_section_that_no_topic_names_is_shown_too(results, monkeypatch):
    from bench.reporting.html import page as module

    topics = [topic for topic in module.TOPICS if topic.name != "accuracy"]
    monkeypatch.setattr(module, "TOPICS", topics)
    page = make_page(results, results)
    assert page.index('id="further"') < page.index('data-section="accuracy"')
