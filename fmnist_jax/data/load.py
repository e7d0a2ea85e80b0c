"""Load a dataset by name; `auto` is the best that is available here."""

import os
from dataclasses import replace
from pathlib import Path

from fmnist_jax.data.dataset import DATASETS, Dataset, Split
from fmnist_jax.errors import DataError, UserError, nearest
from fmnist_jax.system.paths import default_cache_dir, folder_problem, parse_path

AUTO = "auto"
DATA_VARIABLE = "FMNIST_DATA_DIR"
MNIST_VARIABLE = "MNIST_DATA_DIR"

_REAL = "fashion_mnist"
_SYNTHETIC = "synthetic"


def load(name: str = AUTO, data_dir: Path | None = None, cache_dir: Path | None = None) -> Dataset:
    """Load the dataset called `name`.

    `auto` is Fashion-MNIST from the data folder, the cache or the network. Without a
    data folder, and where neither cache nor network can serve, it is the synthetic
    dataset with the reason. A dataset requested by name never falls back.

    Args:
        name: a registered dataset, or `auto`.
        data_dir: the folder with the official files; None reads `FMNIST_DATA_DIR`.
            The synthetic dataset ignores both.
        cache_dir: where verified copies are kept; None is `default_cache_dir()`.

    Returns:
        The dataset; `fallback_reason` says why if it stands in for the real one.

    Raises:
        UserError: there is no such dataset.
        DataError: it is not available, or the content is not the published one.
    """
    cache_dir = cache_dir if cache_dir is not None else default_cache_dir()
    if name == _SYNTHETIC:
        return DATASETS[name]().load(None, cache_dir)
    if name != AUTO and name not in DATASETS.catalogue:
        raise UserError(f"unknown dataset {name!r}: {nearest(name, [AUTO, *DATASETS.catalogue])}")
    source = DATASETS[_REAL if name == AUTO else name]()
    if data_dir is not None:
        return source.load(parse_path(data_dir), cache_dir)
    if named := os.environ.get(DATA_VARIABLE):
        try:
            return source.load(parse_path(named), cache_dir)
        except UserError as error:
            raise DataError(
                f"{error.problem} ({DATA_VARIABLE} names the folder)", error.remedy
            ) from error
    try:
        return source.load(None, cache_dir)
    except DataError as error:
        if name != AUTO:
            raise
        synthetic = DATASETS[_SYNTHETIC]().load(None, cache_dir)
        return replace(synthetic, fallback_reason=str(error))


def load_mnist_training(data_dir: Path | None = None, cache_dir: Path | None = None) -> Split:
    """Load MNIST's training set, to compare with; its test set need not be there.

    It comes from the folder that `MNIST_DATA_DIR` names, and from nowhere else if that is
    set; or else from a folder `mnist` beside the data folder, the cache or the network.

    Args:
        data_dir: the folder of another dataset's files; None reads `FMNIST_DATA_DIR`.
        cache_dir: where verified copies are kept; None is `default_cache_dir()`.

    Raises:
        DataError: it is not available, or the content is not the published one.
    """
    from fmnist_jax.data.datasets.mnist import MNIST
    from fmnist_jax.data.idx.folder import read_training_folder

    try:
        if folder := mnist_folder(data_dir):
            return read_training_folder(MNIST.card, folder)
        return MNIST().load(None, cache_dir or default_cache_dir()).train
    except UserError as error:
        raise DataError(
            error.problem,
            f"put the two files of its training set, from {MNIST.card.url}, into a folder "
            f"and name it by {MNIST_VARIABLE}",
        ) from error


def mnist_folder(data_dir: Path | None = None) -> Path | None:
    """Return the folder from which MNIST comes, arguments as of `load_mnist_training`.

    None where it comes from the cache or the network.

    Raises:
        UserError: a variable names something that is no path.
    """
    from fmnist_jax.data.datasets.mnist import MNIST

    if named := os.environ.get(MNIST_VARIABLE):
        return parse_path(named)
    if beside := data_dir or os.environ.get(DATA_VARIABLE):
        folder = parse_path(beside).parent / MNIST.card.name
        if not folder_problem(folder):
            return folder
    return None
