"""The same networks in PyTorch: eager, channels_last, compiled."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (so named in all of PyTorch's documentation)

from bench.peers.protocol import (
    BETAS,
    VARIANTS,
    Peer,
    Predict,
    Setup,
    Train,
    Trained,
    Unavailable,
)
from fmnist_jax.baselines.reference.pytorch_learner import CPU_CHUNK
from fmnist_jax.baselines.reference.pytorch_networks import make_network, parameters, scale
from fmnist_jax.data.drawing import garments as synthetic
from fmnist_jax.models.blocks import BATCH_NORM_MOMENTUM


def adam(network: Any, setup: Setup) -> Any:
    """Its fused kernel, the fastest of PyTorch's implementations."""
    return torch.optim.Adam(
        network.parameters(), setup.learning_rate, BETAS, setup.epsilon, fused=True
    )


def step(network: Any, optimizer: Any, images: Any, labels: Any) -> Any:
    """One update from float images [b, 1, 28, 28] and labels [b]; the loss before it."""
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(network(images), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


class Torch:
    """A network with the images beside it, on the device that jax uses too."""

    predicts = True

    def __init__(self, setup: Setup, memory_format: Any, compiled: bool = False) -> None:
        torch.manual_seed(setup.seed)
        torch.set_num_threads(setup.cores)
        if setup.accelerated and not torch.cuda.is_available():
            raise RuntimeError("this PyTorch was built without the accelerator that jax uses")
        self._setup = setup
        self._device = "cuda" if setup.accelerated else "cpu"
        self._format = memory_format
        self._chunk = setup.images if setup.accelerated else CPU_CHUNK
        self._split = synthetic.generate(setup.seed, setup.images)
        network: Any = make_network(setup.model, BATCH_NORM_MOMENTUM)
        self._plain = network.to(self._device, memory_format=self._format)
        # A program per shape: one for all of them is slower.
        self._network = torch.compile(self._plain, dynamic=False) if compiled else self._plain

    @property
    def parameters(self) -> int:
        """Weights plus running statistics."""
        return parameters(self._plain)

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that do the work."""
        return {"torch": torch.__version__}

    def train(self, batch: int) -> Train:
        """The usual loop over shuffled batches of images that stay on the device."""
        images = torch.from_numpy(self._split.images).to(self._device)
        labels = torch.from_numpy(self._split.labels.astype(np.int64)).to(self._device)
        optimizer = adam(self._plain, self._setup)
        per_epoch = len(images) // batch

        def run(steps: int) -> Trained:
            self._network.train()
            for number in range(steps):
                at = number % per_epoch
                if at == 0:
                    order = torch.randperm(len(images), device=self._device)
                rows = order[at * batch : (at + 1) * batch]
                x = scale(images[rows])
                if self._setup.flip:
                    coin = torch.rand(len(x), 1, 1, 1, device=self._device) < 0.5
                    x = torch.where(coin, x.flip(3), x)
                x = x.contiguous(memory_format=self._format)
                loss = step(self._network, optimizer, x, labels[rows])
            return Trained(steps * batch, loss.item())  # which waits for the device

        return run

    def predict(self, batch: int) -> Predict:
        """A forward pass in inference mode."""
        images = self._split.images[:batch]

        def run() -> Any:
            self._network.eval()
            with torch.inference_mode():
                x = scale(torch.from_numpy(images).to(self._device))
                x = x.contiguous(memory_format=self._format)
                logits = torch.cat([self._network(part) for part in x.split(self._chunk)])
                return logits.softmax(1).cpu().numpy()

        return run


@VARIANTS.register("torch/eager")
def eager(setup: Setup) -> Peer:
    """PyTorch eager."""
    return Torch(setup, torch.contiguous_format)


@VARIANTS.register("torch/channels_last")
def channels_last(setup: Setup) -> Peer:
    """PyTorch channels_last."""
    return Torch(setup, torch.channels_last)


@VARIANTS.register("torch/compile")
def compiled(setup: Setup) -> Peer:
    """PyTorch compiled."""
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(1))
    except Exception as error:  # of many kinds
        text = f"torch.compile needs a C++ compiler ({type(error).__name__})"
        raise Unavailable(text) from None
    return Torch(setup, torch.channels_last, compiled=True)
