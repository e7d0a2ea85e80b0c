"""Fashion-MNIST.

Han Xiao, Kashif Rasul, Roland Vollgraf: Fashion-MNIST: a Novel Image Dataset for
Benchmarking Machine Learning Algorithms, arXiv 1708.07747, 2017. MIT licence.
"""

from fmnist_jax.data.acquire.source import IdxSource
from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.data.idx.card import DatasetCard


@DATASETS.register("fashion_mnist")
class FashionMNIST(IdxSource):
    """Fashion-MNIST, 70,000 articles of clothing in ten classes (Zalando Research)."""

    card = DatasetCard(
        name="fashion_mnist",
        title="Fashion-MNIST",
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        megabytes=31,
        sizes=(60_000, 10_000),
        md5=(
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    )
