"""Train a network in PyTorch: eager, channels last, the usual loop over shuffled batches."""

import copy
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (so named in all of PyTorch's documentation)

from fmnist_jax.baselines.reference.base import ReferenceConfig, check_finite
from fmnist_jax.baselines.reference.pytorch_networks import make_network, parameters, scale
from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.history import Checkpoints, Epoch, ModelCost, Prepared
from fmnist_jax.learner import Probabilities
from fmnist_jax.system.cpu import available_cores

# Images of one forward pass on a CPU. Measured for PyTorch's good: 1000 at once, whose
# activations take fresh memory every time, are predicted at half the speed.
CPU_CHUNK = 250


class TorchLearner:
    """A network and its data, on a GPU where PyTorch has one.

    Args:
        network: resnet or cnn.
        config: of its training.
        seed: of weights and order.

    Attributes:
        device: cpu or cuda.
    """

    def __init__(self, network: str, config: ReferenceConfig, seed: int) -> None:
        torch.manual_seed(seed)
        torch.set_num_threads(len(available_cores()))
        self._config = config
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        made: Any = make_network(network)
        self._network = made.to(self.device, memory_format=torch.channels_last)
        self._data: tuple[Any, ...] | None = None

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Place the data on the device, and train a copy of the network for a step."""
        self._data = (*self._place(train), *self._place(validation))
        began = time.perf_counter()
        images, labels, *validation_data = self._data
        copied = copy.deepcopy(self._network)
        size = self._config.batch_size
        _train_epoch(copied, self._optimizer(copied), images[:size], labels[:size], size)
        self._validate(*validation_data)
        return Prepared(warmup_s=time.perf_counter() - began)

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train all epochs, with validation after each; checkpoints are not written.

        Raises:
            Diverged: the loss is not finite.
        """
        if self._data is None:
            raise RuntimeError("fit needs prepare first")
        images, labels, *validation = self._data
        optimizer = self._optimizer(self._network)
        began, history = time.perf_counter(), []
        for number in range(1, self._config.epochs + 1):
            epoch_began = time.perf_counter()
            loss, correct = _train_epoch(
                self._network, optimizer, images, labels, self._config.batch_size
            )
            train_s = time.perf_counter() - epoch_began
            validation_loss, validation_accuracy = self._validate(*validation)
            epoch = Epoch(
                epoch=number,
                train_loss=loss / len(images),
                train_accuracy=correct / len(images),
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                train_s=train_s,
                elapsed_s=time.perf_counter() - began,
                images=len(images),
            )
            history.append(check_finite(epoch))
            on_epoch(epoch)
        self._data = None
        return tuple(history)

    def _optimizer(self, network: Any) -> Any:
        return torch.optim.Adam(network.parameters(), self._config.learning_rate, fused=True)

    def _validate(self, images: Any, labels: Any) -> tuple[float, float]:
        logits = self._logits(images)
        loss = F.cross_entropy(logits, labels).item()
        return loss, (logits.argmax(1) == labels).float().mean().item()

    def predict_proba(self, images: Images) -> Probabilities:
        """Map uint8 [n, 28, 28] to float32 [n, 10]."""
        logits = self._logits(torch.from_numpy(np.ascontiguousarray(images)).to(self.device))
        return np.asarray(logits.softmax(1).cpu().numpy())

    def _logits(self, images: Any) -> Any:
        self._network.eval()
        chunk = CPU_CHUNK if self.device == "cpu" else len(images)
        with torch.inference_mode():
            return torch.cat([self._network(_input(part)) for part in images.split(chunk)])

    def _place(self, split: Split) -> tuple[Any, Any]:
        images = torch.from_numpy(np.ascontiguousarray(split.images))
        labels = torch.from_numpy(split.labels.astype(np.int64))
        return images.to(self.device), labels.to(self.device)

    def cost(self) -> ModelCost:
        """Return the sizes of the weights."""
        stored = parameters(self._network)
        return ModelCost(
            parameters=stored,
            trainable_parameters=sum(weight.numel() for weight in self._network.parameters()),
            flops_per_image=None,
            model_bytes=4 * stored,
            batch_size=self._config.batch_size,
        )


def _train_epoch(
    network: Any, optimizer: Any, images: Any, labels: Any, batch_size: int
) -> tuple[float, float]:
    """Train on each image once; return the sums of the losses and of the correct predictions."""
    network.train()
    loss_sum = torch.zeros((), device=images.device)
    correct = torch.zeros((), device=images.device)
    order = torch.randperm(len(images), device=images.device)
    for rows in order.split(batch_size):
        optimizer.zero_grad(set_to_none=True)
        logits = network(_input(images[rows]))
        loss = F.cross_entropy(logits, labels[rows])
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(rows)
        correct += (logits.detach().argmax(1) == labels[rows]).sum()
    return loss_sum.item(), correct.item()  # which waits for the device


def _input(images: Any) -> Any:
    return scale(images).contiguous(memory_format=torch.channels_last)
