"""Define what the parent and its workers share: the entrants, and the messages between them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from fmnist_jax.registry import Registry

Kind: TypeAlias = Literal["train", "predict"]

# uint8 images that the peer already holds in host memory -> float32 [n, 10] on the host
Predict: TypeAlias = Callable[[], npt.NDArray[np.float32]]

BETAS = (0.9, 0.999)  # Adam's, the default of all four


@dataclass(frozen=True)
class Trained:
    """What a run of some steps did.

    Attributes:
        images: trained on.
        loss: mean over the last step, or the last epoch.
        once_s: seconds within the call that real training pays once, not every epoch.
    """

    images: int
    loss: float
    once_s: float = 0.0


Train: TypeAlias = Callable[[int], Trained]  # steps -> what was done, all of it on return


@dataclass(frozen=True)
class Setup:
    """What all entrants have in common.

    Attributes:
        model: resnet or cnn.
        parameters: numbers that its weights and running statistics must add up to.
        images: synthetic images held by every worker, one pass over them an epoch.
        cores: threads of a worker; it works alone, so all that there are.
        flip: mirror images at random while training.
        learning_rate: Adam's, constant.
        epsilon: Adam's.
        seed: of images, weights and order.
        accelerated: whether networks run on an accelerator instead of the CPU.
    """

    model: str
    parameters: int
    images: int
    cores: int
    flip: bool = False
    learning_rate: float = 1e-3
    epsilon: float = 1e-8
    seed: int = 0
    accelerated: bool = False


@dataclass(frozen=True)
class Entrant:
    """A framework in one way of using it; each has a process of its own.

    Attributes:
        name: as the table shows it.
        framework: what `--framework` selects.
        variant: the way of using it.
        module: dotted name of the module that registers it.
    """

    name: str
    framework: str
    variant: str
    module: str

    @property
    def key(self) -> str:
        """Its name in the registry."""
        return f"{self.framework}/{self.variant}"


@dataclass(frozen=True)
class Measure:
    """One column of the table: training or predicting at one batch size."""

    kind: Kind
    batch: int


class Peer(Protocol):
    """A network in some framework, ready to be trained and asked.

    Attributes:
        predicts: False where prediction would repeat another variant's.
    """

    predicts: bool

    @property
    def parameters(self) -> int:
        """Weights plus running statistics."""
        ...

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that do the work."""
        ...

    def train(self, batch: int) -> Train:
        """Get ready to train at a batch size; may leave compiling to the first call."""
        ...

    def predict(self, batch: int) -> Predict:
        """Get ready to predict at a batch size; may leave compiling to the first call."""
        ...


VARIANTS: Registry[Callable[[Setup], Peer]] = Registry(
    "variant", "VARIANTS", "bench.peers.frameworks"
)
"""What makes a peer, under "framework/variant"; the docstring is its name in the table."""


class Unavailable(Exception):
    """A variant needs something that this machine lacks; it is skipped."""


@dataclass(frozen=True)
class Prepare:
    """Ask: compile and warm up, then find how many repetitions fill `block_s` seconds."""

    measure: Measure
    block_s: float


@dataclass(frozen=True)
class RunBlock:
    """Ask: run one timed block of a measure that was prepared."""

    measure: Measure


@dataclass(frozen=True)
class Ready:
    """Answer to nothing: the worker has made its network, described as of `Peer`."""

    parameters: int
    versions: dict[str, str]
    predicts: bool


@dataclass(frozen=True)
class Prepared:
    """Answer: seconds up to the end of the first step or call, and repetitions per block."""

    prepare_s: float
    repeats: int


@dataclass(frozen=True)
class Block:
    """Answer: what one timed block did."""

    images: int
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Answer: why the worker gives up, and whether it is only `Unavailable`."""

    reason: str
    skipped: bool


Request: TypeAlias = Prepare | RunBlock
Answer: TypeAlias = Ready | Prepared | Block | Failure
