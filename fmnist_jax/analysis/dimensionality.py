"""Part 4: how many dimensions the images fill, and how they lie in two."""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.data.dataset import Split
from fmnist_jax.figures import panels

COMPONENTS = 50  # whose cumulative variance is listed, and from which t-SNE starts
SHARES = (0.8, 0.9, 0.95, 0.99)
SAMPLES = 5_000
PERPLEXITY = 30.0
ITERATIONS = 500  # scikit-learn's default is 1,000
SEED = 0


@PARTS.register("dimensionality")
class Dimensionality(Part):
    """Principal components, searched over all of them, and a t-SNE map."""

    name: ClassVar[str] = "dimensionality"
    number: ClassVar[int] = 4
    title: ClassVar[str] = "Dimensionality"
    expected_s: ClassVar[float] = 36.0
    images_per_class: ClassVar[int] = 10

    dimensions: int
    cumulative_variance: list[float] = Field(description="of the first 50 components")
    components_for: dict[str, int] = Field(description="fewest of all, by share of the variance")
    tsne_images: int
    tsne_perplexity: float = PERPLEXITY
    tsne_iterations: int = ITERATIONS
    tsne_components: int = Field(COMPONENTS, description="principal components that it sees")
    tsne_kl_divergence: float
    tsne_neighbours: float = Field(
        description="share of images whose nearest neighbour on the map has the same label"
    )
    all_cumulative: npt.NDArray[np.float64] = Field(exclude=True)
    embedding: npt.NDArray[np.float32] = Field(exclude=True)
    embedded_labels: npt.NDArray[np.uint8] = Field(exclude=True)

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Decompose the covariance of all training images; embed a sample of them."""
        components = context.components
        index = stratified_sample(context.train, SAMPLES, SEED)
        labels = context.train.labels[index]
        projected = components.project(context.train.images[index], COMPONENTS)
        embedding, divergence = embed(projected.astype(np.float32))
        cumulative = np.cumsum(components.shares)
        return cls(
            dimensions=len(cumulative),
            cumulative_variance=cumulative[:COMPONENTS].tolist(),
            components_for={f"{share:.0%}": components.count_for(share) for share in SHARES},
            tsne_images=len(index),
            tsne_kl_divergence=divergence,
            tsne_neighbours=neighbour_agreement(embedding, labels),
            all_cumulative=cumulative,
            embedding=embedding,
            embedded_labels=labels,
        )

    def figures(self, context: Context) -> Figures:
        """The cumulative variance over all components, and the map."""
        variance, axes = panels.new(context.title("Variance explained by principal components"))
        panels.draw_cumulative(axes, self.all_cumulative, self.components_for["95%"])
        scatter, axes = panels.new(
            context.title(f"t-SNE of {self.tsne_images:,} training images"), (7.5, 7)
        )
        panels.draw_embedding(axes, self.embedding, self.embedded_labels, context.classes)
        return {"variance": variance, "tsne": scatter}

    def digest(self) -> Digest:
        """Components by share, and how well the map separates the classes."""
        counts = ", ".join(f"{n} for {share}" for share, n in self.components_for.items())
        return [
            ("components", f"{counts} of the variance, of {self.dimensions}"),
            ("first 50", f"{self.cumulative_variance[-1]:.1%} of the variance"),
            (
                "t-SNE",
                f"{self.tsne_neighbours:.1%} of {self.tsne_images:,} images lie beside one "
                "of their own class",
            ),
        ]


def stratified_sample(split: Split, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Indices of about `count` images, the same number of each class as far as they go."""
    generator = np.random.default_rng(seed)
    labels = np.unique(split.labels)
    share = count // len(labels)
    chosen = []
    for label in labels:
        members = np.flatnonzero(split.labels == label)
        chosen.append(generator.choice(members, min(share, len(members)), replace=False))
    return np.sort(np.concatenate(chosen))


def embed(points: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], float]:
    """Embed points [n, d] in two dimensions by t-SNE (van der Maaten and Hinton 2008).

    Returns:
        float32 [n, 2] and the Kullback-Leibler divergence that is left.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    tsne = TSNE(perplexity=PERPLEXITY, init="pca", max_iter=ITERATIONS, random_state=SEED)
    # Its parallel regions are so short that other work on the cores makes threads a loss: on two
    # busy cores (5,000 points) 27 s of CPU time on one thread, 45 s on two.
    with threadpool_limits(1):
        return tsne.fit_transform(points), float(tsne.kl_divergence_)


def neighbour_agreement(points: npt.NDArray[np.float32], labels: npt.NDArray[np.integer]) -> float:
    """The share of points [n, d] whose nearest other point has the same label."""
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)
    return float((labels[nearest[:, 0]] == labels).mean())
