"""Answers of teachers that are kept: read again, never trusted blindly, never in the way."""

import os

import numpy as np
import pytest

from fmnist_jax.data.augment import Augment
from fmnist_jax.data.dataset import Split
from fmnist_jax.history import Checkpoints
from fmnist_jax.models.dense import DenseConfig
from fmnist_jax.training import teacher_answers
from fmnist_jax.training.teacher import Teacher
from fmnist_jax.training.teacher_answers import ask

GENERATOR = np.random.default_rng(0)


def make_split(n):
    images = GENERATOR.integers(0, 255, (n, 28, 28)).astype(np.uint8)
    return Split(images, np.arange(n, dtype=np.uint8) % 10)


TRAIN, VALIDATION = make_split(40), make_split(20)
TEACHER = Teacher(model="knn", settings={"n_neighbors": 3})
STILL = Augment(flip=False)


@pytest.fixture
def trainings(monkeypatch):
    """Count the trainings of teachers."""
    calls = []
    teach = teacher_answers.teach

    def counted(*given):
        calls.append(given)
        return teach(*given)

    monkeypatch.setattr(teacher_answers, "teach", counted)
    return calls


def test_a_second_student_is_told_the_same_at_the_same_price(tmp_path, trainings):
    first, first_s = ask(TEACHER, STILL, TRAIN, VALIDATION, tmp_path)
    heavier = TEACHER.model_copy(update={"weight": 0.9, "temperature": 3.0})
    second, second_s = ask(heavier, STILL, TRAIN, VALIDATION, tmp_path)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == second.dtype == np.float32
    assert first_s == second_s > 0
    assert len(trainings) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"augmentation": Augment(flip=True)},
        {"teacher": TEACHER.model_copy(update={"count": 2})},
        {"train": Split(TRAIN.images, TRAIN.labels[::-1].copy())},
    ],
)
def test_what_changes_the_answers_is_asked_anew(tmp_path, trainings, change):
    given = {"teacher": TEACHER, "augmentation": STILL, "train": TRAIN}
    for asked in (given, given | change):
        ask(**asked, validation=VALIDATION, folder=tmp_path)
    assert len(trainings) == 2


def test_a_damaged_file_is_replaced(tmp_path, trainings, caplog):
    first, _ = ask(TEACHER, STILL, TRAIN, VALIDATION, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    second, _ = ask(TEACHER, STILL, TRAIN, VALIDATION, tmp_path)
    np.testing.assert_array_equal(first, second)
    assert str(path) in caplog.text
    ask(TEACHER, STILL, TRAIN, VALIDATION, tmp_path)
    assert len(trainings) == 2


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path, trainings, caplog):
    (tmp_path / "file").touch()
    answers, _ = ask(TEACHER, STILL, TRAIN, VALIDATION, tmp_path / "file" / "teachers")
    assert np.isfinite(answers).all()
    assert "cannot keep the teachers' answers" in caplog.text


def test_the_newest_are_kept(tmp_path, monkeypatch):
    ask(TEACHER, STILL, TRAIN, VALIDATION, tmp_path)
    (first,) = tmp_path.iterdir()
    os.utime(first, (1, 1))
    monkeypatch.setattr(teacher_answers, "MAX_BYTES", 2.5 * first.stat().st_size)
    for neighbors in (1, 2):
        other = TEACHER.model_copy(update={"settings": {"n_neighbors": neighbors}})
        ask(other, STILL, TRAIN, VALIDATION, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert not first.exists()


def test_a_student_that_starts_again_counts_what_its_teacher_took(tmp_path, trainings):
    config = DenseConfig(
        hidden=(8,), epochs=1, batch_size=20, augment=STILL, label_smoothing=0.0, teacher=TEACHER
    )
    checkpoints = Checkpoints(tmp_path / "case", every=5, teachers=tmp_path / "teachers")
    for _ in range(2):
        learner = config.build(0)
        learner.prepare(TRAIN, VALIDATION)
        (epoch,) = learner.fit(lambda _: None, checkpoints)
        with np.load(next((tmp_path / "teachers").iterdir())) as kept:
            assert epoch.elapsed_s > kept["seconds"] > 0
    assert len(trainings) == 1
