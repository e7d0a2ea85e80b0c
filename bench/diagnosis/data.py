"""Examine where each dataset would come from."""

import os
from collections.abc import Callable
from pathlib import Path

from bench.diagnosis.finding import Finding, Situation
from fmnist_jax.data.acquire import acquire, cache
from fmnist_jax.data.datasets.fashion_mnist import FashionMNIST
from fmnist_jax.data.datasets.mnist import MNIST
from fmnist_jax.data.idx.card import DatasetCard
from fmnist_jax.data.idx.folder import read_folder, read_training_folder
from fmnist_jax.data.load import DATA_VARIABLE, MNIST_VARIABLE, mnist_folder
from fmnist_jax.errors import UserError
from fmnist_jax.system.paths import default_cache_dir, parse_path

Read = Callable[[DatasetCard, Path], object]


def examine(situation: Situation) -> list[Finding]:
    """Examine every dataset; the first decides what `run` trains on."""
    return [
        _fashion_mnist(situation.data_dir),
        _mnist(situation.data_dir),
        Finding("synthetic", "ok", "drawn here, on demand", facts={"origin": "generated"}),
    ]


def _fashion_mnist(data_dir: Path | None) -> Finding:
    card, named = FashionMNIST.card, os.environ.get(DATA_VARIABLE)
    try:
        folder = data_dir or (parse_path(named) if named else None)
        return _available(card, folder, read_folder)
    except UserError as error:
        facts = {"origin": None}
        if data_dir or named:
            unset = "" if data_dir else f", or unset {DATA_VARIABLE}"
            remedy = f"{error.remedy or f'name another folder by {DATA_VARIABLE}'}{unset}"
            return Finding(card.name, "problem", error.problem, remedy, facts)
        text = f"{error.problem}; a run takes synthetic garments and says so"
        return Finding(card.name, "warning", text, error.remedy, facts | {"origin": "synthetic"})


def _mnist(data_dir: Path | None) -> Finding:
    """Examine the dataset that `analyze` compares with; without it that part is left out."""
    try:
        return _available(MNIST.card, mnist_folder(data_dir), read_training_folder)
    except UserError as error:
        remedy = (
            f"fetch its training set from {MNIST.card.url} into a folder and name it "
            f"by {MNIST_VARIABLE}"
        )
        text = f"{error.problem}; only python -m bench analyze compares with it"
        return Finding(MNIST.card.name, "warning", text, remedy, {"origin": None})


def _available(card: DatasetCard, folder: Path | None, read: Read) -> Finding:
    """Say where the dataset would come from.

    Raises:
        UserError: from nowhere.
    """
    if folder is not None:
        read(card, folder)
        facts = {"origin": "data-dir", "folder": str(folder)}
        return Finding(card.name, "ok", f"from the folder {folder}, verified", facts=facts)
    cache_dir = default_cache_dir()
    if cache.find(card, cache_dir):
        facts = {"origin": "cache", "folder": str(cache_dir)}
        return Finding(card.name, "ok", f"from the cache {cache_dir}, verified", facts=facts)
    acquire.check_network(card)
    text = f"from the network: {card.megabytes} MB, once, from {card.url}"
    return Finding(card.name, "ok", text, facts={"origin": "network", "url": card.url})
