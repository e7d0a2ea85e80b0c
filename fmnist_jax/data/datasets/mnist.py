"""MNIST.

Yann LeCun, Corinna Cortes, Christopher J. C. Burges: The MNIST database of
handwritten digits. Served by the CVDF mirror.
"""

from fmnist_jax.data.acquire.source import IdxSource
from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.data.idx.card import DatasetCard


@DATASETS.register("mnist")
class MNIST(IdxSource):
    """MNIST, 70,000 handwritten digits (LeCun, Cortes, Burges)."""

    card = DatasetCard(
        name="mnist",
        title="MNIST",
        classes=tuple("0123456789"),
        url="https://storage.googleapis.com/cvdf-datasets/mnist",
        megabytes=12,
        sizes=(60_000, 10_000),
        md5=(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    )
