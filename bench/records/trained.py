"""The network of a record, with the weights that lie beside it."""

from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt

from bench.records import store
from fmnist_jax.data.dataset import Dataset, Split
from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.errors import DataError, UserError, nearest
from fmnist_jax.explain.layers import ONE_IMAGE, Variables, feature_maps, predict_logits
from fmnist_jax.learner import LEARNERS, resolve
from fmnist_jax.nn.network import Network
from fmnist_jax.training import weights
from fmnist_jax.training.learner import FlaxConfig

_BATCH = 250


@dataclass(frozen=True)
class Trained:
    """A network with the weights of a record."""

    stored: store.Stored
    network: Network
    variables: Variables

    @property
    def title(self) -> str:
        """The model, marked where it was trained on generated pictures."""
        case = self.stored.record.case
        return f"{case.model} (SYNTHETIC DATA)" if case.synthetic else case.model


def find_trained(model: str, results: Path) -> Trained:
    """Return the network of the newest finished record of `model` that still has its weights.

    One of a recipe or of a grid counts only where there is no other.

    Raises:
        UserError: `model` is no network with convolutions, or no such record is there.
    """
    LEARNERS.check(model)
    if not _has_feature_maps(model):
        raise UserError(
            f"{model} has no feature maps to explain: "
            f"{nearest('', filter(_has_feature_maps, LEARNERS.catalogue))}"
        )
    newest = [
        stored
        for stored in store.read(results, f"*/*/{model}/*.json")
        if stored.record.run.status == "ok" and stored.artifact("weights")
    ]
    if not newest:
        raise UserError(
            f"no record of {model} in {results} has its weights beside it (they are not kept "
            f"in git): python -m bench run {model} --fresh trains it"
        )
    plain = [found for found in newest if not found.record.case.is_variant]
    chosen = (plain or newest)[-1]
    path = chosen.artifact("weights")
    assert path is not None
    config = resolve(model, chosen.record.case.config["model"])
    assert isinstance(config, FlaxConfig)
    return Trained(chosen, config.network("float32"), weights.load(path))


def load_test(stored: store.Stored) -> tuple[Dataset, Split, npt.NDArray[np.int64]]:
    """Return the dataset of a record, the part of the test set that it used, and its positions.

    Raises:
        DataError: the dataset cannot be had, or is another than the record's.
    """
    case = stored.record.case
    data = load(case.dataset)
    if data.sha256 != case.dataset_sha256:
        raise DataError(f"the dataset {data.name} is not the one that {stored.path} was made with")
    sizes = dict(case.config["data"])
    splits = make_splits(data, sizes.pop("split_seed"), **sizes)
    return data, splits.test, splits.test_index


def predict(trained: Trained, test: Split) -> npt.NDArray[np.float32]:
    """Return the network's probabilities, float32 [n, classes]."""
    forward = jax.jit(lambda v, x: jax.nn.softmax(predict_logits(trained.network, v, x)))
    pixels = test.images[..., None].astype(np.float32) / 255
    missing = -len(pixels) % _BATCH
    padded = np.pad(pixels, ((0, missing), (0, 0), (0, 0), (0, 0)))
    parts = [
        np.asarray(forward(trained.variables, padded[at : at + _BATCH]))
        for at in range(0, len(padded), _BATCH)
    ]
    return np.concatenate(parts)[: len(pixels)]


def _has_feature_maps(model: str) -> bool:
    """Return whether a registered model is a network with convolutions."""
    config = LEARNERS[model]()
    if not isinstance(config, FlaxConfig):
        return False
    network = config.network("float32")
    return bool(feature_maps(network, jax.eval_shape(network.init, jax.random.key(0), ONE_IMAGE)))
