import logging
import os

import pytest

from bench.records import identity, store
from bench.records.schema import Artifact, Record
from fmnist_jax.errors import UserError
from tests.support.factory import make_case, make_host, make_record


def test_round_trip_with_artefacts(tmp_path):
    record = make_record()
    written = store.write(tmp_path, record, {"confusion.png": ("confusion", b"picture")})
    (read,) = store.read(tmp_path)
    assert read == written
    assert read.record.model_copy(update={"artifacts": []}) == record
    assert read.artifact("confusion").read_bytes() == b"picture"
    assert read.artifact("gradcam") is None
    machine, dataset, model, name = read.path.relative_to(tmp_path).parts
    assert (machine, dataset, model) == ("test-cpu-2c", "fashion_mnist", "knn")
    assert name == f"20260101T000000Z-{record.run.id}.json"


@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", "x/../../secret"])
def test_an_artefact_is_never_a_file_of_another_folder(tmp_path, path):
    (tmp_path / "secret").touch()
    artifact = Artifact(kind="mistakes", path=path, sha256="0" * 64)
    record = make_record().model_copy(update={"artifacts": [artifact]})
    assert store.Stored(tmp_path / "x" / "record.json", record).artifact("mistakes") is None


def test_the_file_has_the_names_of_the_contract(tmp_path):
    import json

    written = store.write(tmp_path, make_record(), {})
    document = json.loads(written.path.read_text())
    assert document["schema"] == 2
    assert list(document) == [
        "schema", "run", "case", "code", "machine", "software",
        "time", "throughput", "energy", "quality", "target", "cost", "explanations", "artifacts",
    ]  # fmt: skip
    assert document["time"]["compile_s"] is None
    assert document["throughput"]["inference"][0] == {
        "batch": 1,
        "latency_s": [0.003, 0.001, 0.002],
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Invalid JSON"),
        (b'{"schema": 1, "run"', "Invalid JSON"),
        (b"[]", "should be a valid dict"),
        (b'{"name": "package", "version": 1}', "run Field required"),
        (b'{"schema": 3, "run": {}}', "schema 3 is newer than this version's 2, so update"),
        (b"\xff\xfe{}", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
    ],
)
def test_a_file_that_is_no_record_is_named_and_left(tmp_path, caplog, content, reason):
    good = store.write(tmp_path, make_record(), {})
    bad = good.path.with_name("20250101T000000Z-torn.json")
    bad.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert [found.path for found in store.read(tmp_path)] == [good.path]
    (said,) = caplog.messages
    assert said.startswith(f"leaving {bad} alone, it is no valid record: ")
    assert reason in said
    assert "\n" not in said
    assert bad.read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "dangling link", "unreadable"])
def test_what_cannot_be_opened_is_named_and_left(tmp_path, caplog, kind):
    good = store.write(tmp_path, make_record(), {})
    bad = good.path.with_name("x.json")
    if kind == "folder":
        bad.mkdir()
    elif kind == "dangling link":
        bad.symlink_to("nowhere")
    else:
        bad.touch(mode=0)
        if os.access(bad, os.R_OK):
            pytest.skip("this user may read everything")
    with caplog.at_level(logging.WARNING):
        assert [found.path for found in store.read(tmp_path)] == [good.path]
    assert len(caplog.messages) == 1
    assert str(bad) in caplog.text
    assert os.path.lexists(bad)


def test_a_newer_schema_in_full_is_recognised_by_its_number(tmp_path, caplog):
    path = store.write(tmp_path, make_record(), {}).path
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 3, "more": []'))
    assert list(store.read(tmp_path)) == []
    assert "schema 3 is newer" in caplog.text


def test_a_second_look_reads_and_names_only_what_is_new(tmp_path, caplog):
    seen = set()
    first = store.write(tmp_path, make_record(), {})
    first.path.with_name("x.json").touch()
    assert list(store.read(tmp_path, seen=seen)) == [first]
    second = store.write(tmp_path, make_record(), {})
    assert list(store.read(tmp_path, seen=seen)) == [second]
    assert len(caplog.messages) == 1


def test_a_record_that_does_not_fit_leaves_nothing_behind(tmp_path, monkeypatch):
    record, files = make_record(), {"a.png": ("a", b"a"), "b.png": ("b", b"b")}
    real = store.write_atomically

    def full(path, content):
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_atomically", full)
        with pytest.raises(UserError, match=r"cannot write the record .*: No space left on device"):
            store.write(tmp_path, record, files)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.write(tmp_path, record, files).artifact("b").read_bytes() == b"b"


def test_a_torn_temporary_file_is_not_read(tmp_path):
    good = store.write(tmp_path, make_record(), {})
    good.path.with_name(".x.json.abc.partial").write_bytes(b"{")
    assert len(list(store.read(tmp_path))) == 1


def test_an_impossible_folder_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write to the results folder .*--results"):
        store.check_writable(tmp_path / "file" / "results")
    with pytest.raises(UserError, match="cannot write the record"):
        store.write(tmp_path / "file", make_record(), {})


def test_only_the_very_same_case_counts_as_done(tmp_path):
    done = make_record(make_case(n_neighbors=5))
    store.write(tmp_path, done, {})
    finished = store.finished(tmp_path)

    def found(record: Record) -> bool:
        return identity.digest_record(record) in finished

    assert found(make_record(make_case(n_neighbors=5), at=7))
    assert not found(make_record(make_case(n_neighbors=6)))
    assert not found(make_record(make_case(n_neighbors=5, seed=1)))
    assert not found(make_record(make_case(n_neighbors=5), host=make_host(id="other")))
    newer = done.software.model_copy(update={"jax": "0.11.0"})
    assert not found(done.model_copy(update={"software": newer}))


def test_a_failure_is_never_taken_for_done(tmp_path):
    store.write(tmp_path, make_record(status="failed"), {})
    assert store.finished(tmp_path) == {}


def test_a_path_to_another_folder_is_told_from_one_to_the_same(tmp_path):
    folder = store.folder_id(tmp_path / "mine")
    assert store.has_id(tmp_path / "mine", folder)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    assert store.has_id(tmp_path / "link", folder)
    store.folder_id(tmp_path / "other")
    assert not store.has_id(tmp_path / "other", folder)
    assert not store.has_id(tmp_path / "nowhere", folder)


def contradictions():
    """A change of a good record's document, and what is said of it."""
    matrix = [[100 if row == column else 0 for column in range(10)] for row in range(10)]
    negative = [[*row] for row in matrix]
    negative[0][0], negative[0][1] = 101, -1
    return [
        ({"quality": {"test_accuracy": 7.5}}, "less than or equal to 1"),
        ({"quality": {"test_accuracy": 0.5, "confusion": matrix}}, "is not the 1.000000 of the"),
        ({"quality": {"test_accuracy": None, "confusion": matrix}}, "test_accuracy None is not"),
        ({"quality": {"test_accuracy": 1.0, "confusion": matrix[:9]}}, "at least 10 items"),
        ({"quality": {"test_accuracy": 1.0, "confusion": negative}}, "greater than or equal to 0"),
        ({"quality": {"confusion": [[0] * 10] * 10}}, "holds no image"),
        ({"quality": {"validation_accuracy": -0.1}}, "validation_accuracy Input should be greater"),
        ({"time": {"fit_s": -1.0}}, "time.fit_s Input should be greater"),
        ({"throughput": {"train_images_per_s": [1.0, -1.0]}}, "greater than or equal to 0"),
    ]


@pytest.mark.parametrize(("change", "reason"), contradictions())
def test_a_record_that_contradicts_itself_is_named_and_left_out(tmp_path, caplog, change, reason):
    import json

    good = store.write(tmp_path, make_record(), {})
    document = json.loads(good.path.read_text())
    for part, values in change.items():
        document[part] |= values
    bad = good.path.with_name("20250101T000000Z-wrong.json")
    bad.write_text(json.dumps(document))
    with caplog.at_level(logging.WARNING):
        assert [found.path for found in store.read(tmp_path)] == [good.path]
    (message,) = caplog.messages
    assert str(bad) in message
    assert reason in message
