"""The two networks in PyTorch."""

from typing import Any

import torch.nn.functional as F  # noqa: N812 (so named in all of PyTorch's documentation)
from torch import nn

from fmnist_jax.baselines.reference.base import BATCH_NORM_EPSILON


def _norm(width: int, momentum: float) -> Any:
    # PyTorch's momentum is the share of the new value.
    return nn.BatchNorm2d(width, eps=BATCH_NORM_EPSILON, momentum=1 - momentum)


class Block(nn.Module):
    """conv-BN-relu-conv-BN, plus the input, relu."""

    def __init__(self, width: int, momentum: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = _norm(width, momentum)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = _norm(width, momentum)

    def forward(self, x: Any) -> Any:
        """[b, width, h, w] -> [b, width, h, w]."""
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(y)))


class ResNet(nn.Module):
    """38,154 parameters, counting running statistics."""

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 32, 3, padding=1)
        self.block1 = Block(32, momentum)
        self.block2 = Block(32, momentum)
        self.classifier = nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        """[b, 1, 28, 28] in [0, 1] -> logits [b, 10]."""
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        x = F.max_pool2d(self.block1(x), 2)
        return self.classifier(self.block2(x).mean((2, 3)))


class CNN(nn.Module):
    """241,546 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.conv3 = nn.Conv2d(64, 128, 3)
        self.hidden = nn.Linear(3 * 3 * 128, 128)
        self.classifier = nn.Linear(128, 10)

    def forward(self, x: Any) -> Any:
        """[b, 1, 28, 28] in [0, 1] -> logits [b, 10]."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x)).flatten(1)
        return self.classifier(F.relu(self.hidden(x)))


def make_network(name: str, momentum: float = 0.9) -> Any:
    """Return a module of images [b, 1, 28, 28] in [0, 1].

    Args:
        name: resnet or cnn.
        momentum: of the running statistics, the share of the old value; PyTorch's own by default.
    """
    return ResNet(momentum) if name == "resnet" else CNN()


def parameters(network: Any) -> int:
    """Count weights and running statistics; BatchNorm also counts its batches, in an integer."""
    held = network.state_dict().values()
    return sum(tensor.numel() for tensor in held if tensor.is_floating_point())


def scale(images: Any) -> Any:
    """Map a uint8 tensor [b, 28, 28] to float32 [b, 1, 28, 28] in [0, 1]."""
    return images.unsqueeze(1).float().div_(255.0)
