"""The two networks in PyTorch, by the recipe of the reference notebooks."""

from typing import ClassVar

from fmnist_jax.baselines.reference.base import ReferenceConfig
from fmnist_jax.learner import LEARNERS, Kind, Learner


class TorchConfig(ReferenceConfig):
    """A network in PyTorch."""

    kind: ClassVar[Kind] = "pytorch"
    packages: ClassVar[tuple[str, ...]] = ("torch",)
    network: ClassVar[str]

    def build(self, seed: int) -> Learner:
        """Return a learner with the usual loop over shuffled batches."""
        self.check_installed()
        from fmnist_jax.baselines.reference.pytorch_learner import TorchLearner

        return TorchLearner(self.network, self, seed)


@LEARNERS.register("pytorch_resnet")
class TorchResNetConfig(TorchConfig):
    """The residual network of 38,154 parameters in PyTorch, by the notebooks' recipe."""

    network: ClassVar[str] = "resnet"


@LEARNERS.register("pytorch_cnn")
class TorchCNNConfig(TorchConfig):
    """The convolutional network of 241,546 parameters in PyTorch, by the notebooks' recipe."""

    network: ClassVar[str] = "cnn"
