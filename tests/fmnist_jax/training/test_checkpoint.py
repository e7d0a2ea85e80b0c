import gc
import logging
import shutil
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fmnist_jax.history import Checkpoints, Epoch
from fmnist_jax.training import checkpoint
from fmnist_jax.training.checkpoint import restore, save
from fmnist_jax.training.fit import fit
from fmnist_jax.training.state import Snapshot, TrainState
from tests.fmnist_jax.training.test_fit import Script

ODD = [0.0, -0.0, np.nan, np.inf, 1e-45, 1 / 3]


def snapshot(epochs, value=0.0):
    kernel = jnp.array([*ODD, *np.random.default_rng(epochs).random(5000, np.float32)])
    params = {"dense": {"kernel": kernel, "bias": jnp.float32(value)}}
    optimizer = (optax.EmptyState(), optax.ScaleByScheduleState(jnp.int32(epochs)))
    history = tuple(
        Epoch(n, 0.1 + 0.2, 1 / 3, 2.5, np.inf, 1.0, 9.9, 64) for n in range(1, epochs + 1)
    )
    return Snapshot(TrainState(params, {}, optimizer), (params, {}), history)


def same(a, b):
    """Equal to the bit, in structure, types and devices."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        if isinstance(x, Epoch):
            assert x == y
        else:
            assert (x.dtype, x.shape, x.sharding) == (y.dtype, y.shape, y.sharding)
            assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


@pytest.fixture
def kept(tmp_path):
    """Checkpoints of epochs 1, 2 and 3, of which the first is gone again."""
    checkpoints = Checkpoints(tmp_path / "new" / "case", 1)
    for number in (1, 2, 3):
        save(checkpoints, snapshot(number, value=number))
    return checkpoints


def test_round_trip_to_the_bit(kept):
    same(restore(kept, snapshot(0)), snapshot(3, value=3))


def test_the_last_two_are_kept(kept):
    assert sorted(path.name for path in kept.folder.iterdir()) == ["2", "3"]


def test_without_a_checkpoint_it_starts_where_it_is_told(tmp_path):
    start = snapshot(0, value=7)
    assert restore(Checkpoints(tmp_path / "none", 1), start) is start
    assert not (tmp_path / "none").exists()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def largest(folder):
    return max(folder.glob("arrays/ocdbt.process_0/d/*"), key=lambda path: path.stat().st_size)


FAULTS = {
    "flipped bit in an array": lambda folder: flip(largest(folder)),
    "torn array": lambda folder: largest(folder).write_bytes(b""),
    "altered history": lambda folder: (folder / "note/metadata").write_text(
        (folder / "note/metadata").read_text().replace("2.5", "2.6")
    ),
    "torn history": lambda folder: (folder / "note/metadata").write_text("{"),
    "arrays missing": lambda folder: shutil.rmtree(folder / "arrays"),
    "all missing": lambda folder: [shutil.rmtree(folder), folder.mkdir()],
}


# Orbax abandons the other reads of a checkpoint when one fails, and Python says so when
# it collects them: here, and not in whichever test comes later.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_one_is_named_once_and_the_older_used(kept, caplog, capfd, fault):
    FAULTS[fault](kept.folder / "3")
    with caplog.at_level(logging.WARNING):
        same(restore(kept, snapshot(0)), snapshot(2, value=2))
    (message,) = caplog.messages
    assert message.startswith(f"ignoring the checkpoint {kept.folder / '3'}: ")
    assert "\n" not in message
    assert capfd.readouterr().err == ""
    # Its place is free for the epoch that is now trained again.
    save(kept, snapshot(3, value=33))
    same(restore(kept, snapshot(0)), snapshot(3, value=33))
    gc.collect()


def test_nothing_is_said_of_reads_that_were_abandoned(kept, caplog):
    restore(kept, snapshot(0))
    for message in ("Task exception was never retrieved\nfuture: <...>", "other news"):
        logging.getLogger("asyncio").error(message)
    assert caplog.messages == ["other news"]


def test_where_all_are_damaged_it_starts_anew(kept, caplog):
    for number in "23":
        flip(largest(kept.folder / number))
    start = snapshot(0)
    assert restore(kept, start) is start
    assert len(caplog.messages) == 2


def test_one_of_another_case_is_foreign(kept, caplog, tmp_path):
    other = Checkpoints(tmp_path / "other", 1)
    shutil.copytree(kept.folder, other.folder)
    start = snapshot(0)
    assert restore(other, start) is start
    assert "of another case, code, software or device" in caplog.text


@pytest.mark.parametrize("changed", ["software", "device", "code", "shape"])
def test_one_made_otherwise_is_foreign(kept, caplog, monkeypatch, tmp_path, changed):
    start = snapshot(0)
    match changed:
        case "software":
            monkeypatch.setattr(
                "fmnist_jax.training.checkpoint.metadata.version", lambda name: "99"
            )
        case "device":
            monkeypatch.setattr(jax, "devices", lambda: jax.local_devices()[:1])
        case "code":
            (tmp_path / "module.py").touch()
            monkeypatch.setattr("fmnist_jax.__file__", str(tmp_path / "module.py"))
        case "shape":
            start = start._replace(weights=(jnp.zeros(3), {}))
    assert restore(kept, start) is start
    assert "of another case, code, software or device" in caplog.text


def test_what_a_kill_left_half_written_is_not_taken_for_a_checkpoint(kept, caplog):
    shutil.copytree(kept.folder / "3", kept.folder / "4.orbax-checkpoint-tmp")
    same(restore(kept, snapshot(0)), snapshot(3, value=3))
    assert caplog.messages == []
    save(kept, snapshot(4))
    assert sorted(path.name for path in kept.folder.iterdir()) == ["3", "4"]


def test_a_folder_that_cannot_be_written_costs_a_line(tmp_path, caplog):
    (tmp_path / "file").touch()
    save(Checkpoints(tmp_path / "file" / "case", 1), snapshot(1))
    (message,) = caplog.messages
    assert message.startswith(f"cannot write a checkpoint to {tmp_path / 'file' / 'case'}: ")


def test_writing_is_not_training_and_the_clock_goes_on_after_a_resume(tmp_path, monkeypatch):
    """A clock on which every checkpoint takes 1,000 s to write."""
    writing_s = 0.0
    clock = time.perf_counter

    def slow_save(checkpoints, snapshot):
        nonlocal writing_s
        save(checkpoints, snapshot)
        writing_s += 1000

    monkeypatch.setattr(checkpoint, "save", slow_save)
    monkeypatch.setattr("fmnist_jax.training.fit.time.perf_counter", lambda: clock() + writing_s)
    script, checkpoints = Script([3, 2, 1, 1]), Checkpoints(tmp_path / "case", 1)
    _, before = fit(script.engine(), 3, None, lambda _: None, checkpoints)
    assert before[-1].elapsed_s < 1000
    seen = []
    _, after = fit(script.engine(), 4, None, seen.append, checkpoints)
    assert after[:3] == before
    assert after[3:] == tuple(seen)
    assert before[-1].elapsed_s < after[-1].elapsed_s < 1000


def test_nothing_is_trained_after_an_early_stop_or_the_end(tmp_path):
    script, checkpoints = Script([1, 2, 3, 0.5]), Checkpoints(tmp_path / "case", 1)
    for _ in range(2):  # the second goes on from where the first stopped
        (params, _), history = fit(script.engine(), 4, 2, lambda _: None, checkpoints)
        assert (float(params), len(history)) == (1, 3)
