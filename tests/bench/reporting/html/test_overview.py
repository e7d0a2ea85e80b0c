"""The first screen answers what was measured, on what, and what came out."""

from bench.reporting.html.overview import summarise
from bench.reporting.html.page import make_page
from bench.reporting.html.runs import list_environments
from bench.reporting.html.source import read_source
from tests.contract.test_reporting import whole
from tests.support.factory import make_case, make_host, make_record
from tests.support.results_folder import add


def facts(results):
    return {fact.name: fact for fact in summarise(read_source(results)).facts}


def test_the_best_is_chosen_on_validation_data_and_pooled_over_machines(tmp_path):
    for number, (model, machine, test, validation) in enumerate(
        (("cnn", "one", 0.92, 0.95), ("cnn", "two", 0.90, 0.95), ("svm", "one", 0.97, 0.91))
    ):
        record = make_record(make_case(model), accuracy=test, at=number, host=make_host(id=machine))
        quality = record.quality.model_copy(update={"validation_accuracy": validation})
        add(tmp_path, record.model_copy(update={"quality": quality}))
    best = facts(tmp_path)["Most accurate"]
    assert best.value == "91.00%"
    assert best.detail.startswith("cnn on the test images; 90.00–92.00 on 2 machines")


def test_one_machine_has_an_interval_and_contention_a_star(tmp_path):
    add(tmp_path, whole("cnn", contended=True))
    found = facts(tmp_path)
    assert "95% interval" in found["Most accurate"].detail
    assert found["Fastest to the target"].value == "3 s*"
    assert found["Shortest training"].value == "12.5 s*"
    assert found["Fastest prediction"].value == "2,000 images/s*"


def test_speed_is_told_of_models_that_are_nearly_as_good_as_the_best(tmp_path):
    for number, (model, validation, fit_s) in enumerate(
        (("hog_svm", 0.94, 40.0), ("cnn", 0.93, 20.0), ("knn", 0.87, 0.1))
    ):
        record = whole(model, at=number)
        quality = record.quality.model_copy(update={"validation_accuracy": validation})
        time = record.time.model_copy(update={"fit_s": fit_s})
        add(tmp_path, record.model_copy(update={"quality": quality, "time": time}))
    found = facts(tmp_path)
    assert found["Shortest training"].value == "20 s"
    assert found["Shortest training"].detail.startswith("cnn on ")
    assert not found["Fastest prediction"].detail.startswith("knn")


def test_what_was_not_measured_is_no_fact(tmp_path):
    add(tmp_path, make_record(make_case("knn")))
    assert "Fastest to the target" not in facts(tmp_path)


def test_real_data_come_before_synthetic(tmp_path):
    add(tmp_path, make_record(make_case("knn", dataset="synthetic"), accuracy=1.0))
    add(tmp_path, make_record(make_case("svm"), accuracy=0.8))
    overview = summarise(read_source(tmp_path))
    assert overview.facts[0].value == "80.00%"
    assert overview.synthetic == "some"


def test_machines_and_records_are_counted(tmp_path):
    gpu = make_host(id="gpu", accelerator="Test GPU", accelerator_count=2)
    add(tmp_path, make_record(make_case("knn"), host=gpu))
    add(tmp_path, make_record(make_case("knn"), host=gpu, at=60 * 24))
    add(tmp_path, make_record(make_case("svm"), status="timeout"))
    overview = summarise(read_source(tmp_path))
    assert [(machine.id, machine.records) for machine in overview.machines] == [
        ("gpu", 2),
        ("test-cpu-2c", 1),
    ]
    assert overview.machines[0].hardware.startswith("2 × Test GPU, Test CPU, 2 cores")
    assert overview.measured[-1] == "3 records from 2026-01-01 to 2026-01-02."
    assert any("1 run did not finish (1 timed out)" in text for text in overview.warnings)


def test_each_machine_names_its_software_in_a_line(tmp_path):
    for number, (machine, jax) in enumerate((("a", "0.9.0"), ("a", "0.10.2"), ("b", None))):
        record = make_record(make_case("knn"), at=number, host=make_host(id=machine))
        software = record.software.model_copy(update={"jax": jax, "flax": jax and "0.12.8"})
        add(tmp_path, record.model_copy(update={"software": software}))
    first, second = summarise(read_source(tmp_path)).machines
    assert first.software == (
        "Python 3.11.0, jax 0.10.2, jaxlib 0.10.2, flax 0.12.8; "
        "1 other set of versions in other records"
    )
    assert second.software == "Python 3.11.0, jaxlib 0.10.2"
    page = make_page(tmp_path, tmp_path)
    screen = page.split("On what")[1].split("</section>")[0]
    assert first.software in screen
    assert second.software in screen


def test_records_of_one_environment_share_it(tmp_path):
    add(tmp_path, make_record(make_case("knn")))
    add(tmp_path, make_record(make_case("svm")))
    add(tmp_path, make_record(make_case("svm"), host=make_host(id="other")))
    environments, numbers = list_environments(read_source(tmp_path).stored)
    assert [environment.records for environment in environments] == [2, 1]
    assert list(numbers.values()) == [1, 1, 2]
    assert "machine.memory_bytes: 1073741824" in environments[0].text
    assert "sklearnex" not in environments[0].text  # missing is left out
