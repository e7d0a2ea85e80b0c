import subprocess
from pathlib import Path

import pytest

from bench.execution.local import LocalExecutor
from bench.measure.messages import Outcome, make_record
from bench.plan import cases as plan
from bench.plan import load as config
from bench.records import checkpoint_dirs as checkpoints
from tests.faults.behaviour import run_on
from tests.support.cutting_off import Run, ending
from tests.support.factory import make_case, make_host


def lay(results, *cases):
    """Something in the folder of each case."""
    made = [checkpoints.of_case(results, make_host(), case, 5) for case in cases]
    for one in made:
        (one.folder / "5").mkdir(parents=True)
    return [one.folder for one in made]


def test_they_lie_beside_the_record_where_git_does_not_look(tmp_path):
    made = checkpoints.of_case(tmp_path, make_host(), make_case("cnn"), 5)
    assert made.every == 5
    assert made.folder.parent == tmp_path / "test-cpu-2c/fashion_mnist/cnn/.checkpoints"
    root = Path(__file__).parents[3]
    inside = root / "results" / made.folder.relative_to(tmp_path) / "5"
    assert subprocess.run(["git", "check-ignore", "-q", inside], cwd=root).returncode == 0


def test_every_case_has_its_own(tmp_path):
    cases = [make_case("cnn"), make_case("cnn", seed=1), make_case("cnn", epochs=3)]
    hosts = [make_host(), make_host(id="other")]
    folders = {
        checkpoints.of_case(tmp_path, host, case, 5).folder for case in cases for host in hosts
    }
    assert len(folders) == 6
    again = checkpoints.of_case(tmp_path, make_host(), make_case("cnn"), 1)
    assert again.folder in folders  # how often one is made changes nothing


def test_none_for_a_baseline_or_where_they_are_switched_off(tmp_path):
    assert checkpoints.of_case(tmp_path, make_host(), make_case("knn"), 5) is None
    assert checkpoints.of_case(tmp_path, make_host(), make_case("cnn"), 0) is None


def test_discarding_leaves_those_of_other_cases(tmp_path):
    mine, other = make_case("cnn"), make_case("cnn", seed=1)
    gone, kept = lay(tmp_path, mine, other)
    checkpoints.discard(tmp_path, make_host(), mine)
    assert kept.is_dir()
    assert not gone.exists()
    checkpoints.discard(tmp_path, make_host(), other)
    checkpoints.discard(tmp_path, make_host(), other)
    assert not kept.parent.exists()


def end_as_told(task, events):
    """Do as the case's config says, with checkpoints on disk."""
    assert task.checkpoints.every == 2
    return Outcome(make_record(task, task.case.config["model"]["status"], None))


@pytest.mark.parametrize(
    ("status", "kept"),
    [("ok", False), ("diverged", False), ("failed", True), ("oom", True), ("timeout", True)],
)
def test_they_are_kept_where_another_run_can_use_them(tmp_path, status, kept):
    case = make_case("cnn", status=status)
    (folder,) = lay(tmp_path, case)
    executor = LocalExecutor(make_host(), (0, 1), execute=end_as_told)
    run_on(executor, tmp_path, case, checkpoint_every=2)
    assert folder.exists() == kept


def test_how_often_is_part_of_the_plan_and_not_of_the_case():
    class Named:
        name, sha256, synthetic = "fashion_mnist", "0" * 64, False

    often, never = (
        plan.make_cases(config.load(None, [f"checkpoint_every={every}"], models=("cnn",)), Named())
        for every in (1, 0)
    )
    assert often == never


def test_a_run_killed_twice_ends_as_one_left_alone(tmp_path, cache):
    alone, cut = tmp_path / "alone", tmp_path / "cut"
    run = Run(alone, cache)
    assert run.end() == 0, run.said

    run = Run(cut, cache)
    run.wait_for("epoch 3/")
    run.kill_worker()
    assert run.end() == 1, run.said
    run = Run(cut, cache)
    run.wait_for("going on after epoch")
    run.wait_for("epoch 6/")
    run.kill_all()
    run.end()
    run = Run(cut, cache)
    assert run.end() == 0, run.said
    assert "going on after epoch" in run.said

    record, *expected = ending(alone)
    resumed, *got = ending(cut)
    assert got == expected
    assert 6 < len(got[0]) < 30  # it was cut off twice before, and stopped early
    assert record["run"]["resumed_from_epoch"] is None
    assert resumed["run"]["resumed_from_epoch"] >= 5
    time = resumed["time"]
    assert len(time["epoch_s"]) == len(got[0])
    assert sum(time["epoch_s"]) < time["fit_s"] == resumed["quality"]["history"][-1]["elapsed_s"]
    assert list(cut.rglob(".checkpoints")) == []
