"""Trained weights as one .npz file of plain arrays: no pickle, readable anywhere."""

from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from fmnist_jax.errors import DataError


def save(file: Path | BinaryIO, variables: dict[str, Any]) -> None:
    """Write a tree of arrays, each under its path ("params/stem/kernel")."""
    leaves = flatten_dict(variables, sep="/")
    np.savez(file, allow_pickle=False, **{name: np.asarray(leaf) for name, leaf in leaves.items()})


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote.

    Raises:
        DataError: the file is missing or is not such a file.
    """
    try:
        # Opened here, since np.load leaks the file that it finds to be broken.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return unflatten_dict({name: archive[name] for name in archive.files}, sep="/")
    except (OSError, ValueError, BadZipFile) as error:
        raise DataError(f"cannot read the weights {path}: {error}; train the model again") from None
