"""With the official files: skipped, visibly, where FMNIST_DATA_DIR does not name them."""

import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_jax.data import load
from fmnist_jax.data.acquire import cache
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import FILES
from fmnist_jax.data.splits import make_splits
from fmnist_jax.errors import DataError
from tests.fmnist_jax.data.acquire.test_acquire import ROOT
from tests.fmnist_jax.data.acquire.test_acquire_together import finish, start
from tests.fmnist_jax.data.conftest import send
from tests.support.processes import wait_for

SHA256 = "eee656c63c1c7a3b7c885d28c97fd74dc039264ce75eae7cb8d991df379ef736"


@pytest.fixture
def fashion(fashion_dir: Path) -> Dataset:
    return load.load("auto", fashion_dir)


def test_content(fashion: Dataset) -> None:
    assert (fashion.name, fashion.origin, fashion.synthetic) == ("fashion_mnist", "data-dir", False)
    assert fashion.sha256 == SHA256
    assert fashion.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert fashion.classes[fashion.train.labels[0]] == "Ankle boot"
    splits = make_splits(fashion)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (55_000, 5_000, 10_000)


def test_the_cache_serves_the_same_bytes(fashion: Dataset, tmp_path: Path) -> None:
    cache.store(fashion, tmp_path)
    cached = load.load("fashion_mnist", cache_dir=tmp_path)
    assert (cached.origin, cached.sha256) == ("cache", SHA256)


def test_mnist_is_not_in_this_folder(fashion_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA_DIR", str(fashion_dir))
    with pytest.raises(DataError, match=r"does not hold MNIST, .* is Fashion-MNIST's"):
        load.load("mnist")


LOADING = """
    import logging, sys
    from pathlib import Path
    from fmnist_jax.data.load import load

    logging.basicConfig(level=logging.INFO)
    dataset = load("auto", cache_dir=Path(sys.argv[1]))
    assert "tensorflow" not in sys.modules and "tensorflow_datasets" not in sys.modules
    print(dataset.origin, dataset.sha256)
"""


def test_two_processes_acquire_through_tensorflow_datasets(
    fashion_dir: Path, tmp_path: Path, proxy
) -> None:
    """The whole way, 20 s: download, checksums, prepare, read back, verify, keep, serve."""

    def answer(handler, name: str) -> None:
        # Nothing is complete before both processes have asked for it: each probes the last
        # file, and one of them downloads it, too.
        if name == f"{FILES[0]}.gz":
            wait_for(lambda: sum(FILES[3] in url for url in asked) == 3, "the other process")
        send(handler, (fashion_dir / name).read_bytes())

    asked = proxy(answer)
    processes = [start(LOADING, tmp_path / "cache") for _ in range(2)]
    said = [finish(process) for process in processes]
    assert sorted(text.split("\n")[0][:5].strip() for text in said) == ["cache", "tfds"]
    assert all(SHA256 in text for text in said)
    assert sum("downloading Fashion-MNIST (31 MB)" in text for text in said) == 1
    # Each process probed once; the four files came once.
    assert len(asked) == 6
    assert [p.name for p in (tmp_path / "cache").glob("*.npz")] == [f"fashion_mnist-{SHA256}.npz"]
    assert not list((tmp_path / "cache").glob("*.work-*"))


def test_importing_the_datasets_is_light() -> None:
    heavy = "jax sklearn tensorflow_datasets requests PIL"
    code = (
        "import sys; from fmnist_jax.data import load, splits; "
        "from fmnist_jax.data.datasets import fashion_mnist, mnist; "
        f"print([m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
