"""What a part of the analysis is, what it is given, and the registry of all parts."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fmnist_jax.analysis import measures
from fmnist_jax.data.dataset import Dataset, Split
from fmnist_jax.errors import UserError
from fmnist_jax.evaluation.classification import Confusion
from fmnist_jax.registry import Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Figures = dict[str, "Figure"]  # by the last word of the file's name
Digest = list[tuple[str, str]]  # what was asked, what was measured
P = TypeVar("P", bound="Part")


@dataclass(frozen=True)
class Context:
    """What the parts are given.

    Attributes:
        dataset: training and test images with their labels.
        mnist: MNIST's training set, or one line that says why it is not there.
        confusions: by model, the test confusion matrix of this dataset summed over
            its records; empty where there is no record.
        results: the parts that are done already, by name; `result` adds to them.
    """

    dataset: Dataset
    mnist: Split | str
    confusions: Mapping[str, Confusion] = field(default_factory=dict)
    results: "dict[str, Part]" = field(default_factory=dict)

    @property
    def train(self) -> Split:
        """The training set."""
        return self.dataset.train

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, by label."""
        return self.dataset.classes

    def title(self, text: str) -> str:
        """A figure's title, which marks data that are not real."""
        mark = "SYNTHETIC DATA, " if self.dataset.synthetic else ""
        return f"{text} ({mark}{self.dataset.name})"

    def result(self, part: type[P]) -> P:
        """The result of `part`, measured now unless another part has asked before."""
        if part.name not in self.results:
            self.results[part.name] = part.measure(self)
        return cast(P, self.results[part.name])

    @cached_property
    def brightness(self) -> npt.NDArray[np.float64]:
        """The mean pixel of each training image, float64 [n] in [0, 255]."""
        return measures.brightness(self.train.images)

    @cached_property
    def centroids(self) -> npt.NDArray[np.float64]:
        """The mean training image of each class, float64 [c, 28, 28] in [0, 255]."""
        return measures.centroids(self.train, len(self.classes))

    @cached_property
    def components(self) -> measures.Components:
        """All principal components of the training images."""
        return measures.principal_components(self.train.images)


class Part(BaseModel):
    """The measured answer to one question; subclasses are the registered entries.

    A field excluded from the JSON holds an array that only the figures need.

    Attributes:
        name: under which it is registered.
        number: its place in the report and in its files' names.
        title: of its table in the digest.
        expected_s: seconds on two cores with 60,000 images, for the progress bar only.
        images_per_class: how many training images of each class it needs.
        by_default: whether it runs where no part is named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: ClassVar[str]
    number: ClassVar[int]
    title: ClassVar[str]
    expected_s: ClassVar[float] = 1.0
    images_per_class: ClassVar[int] = 1
    by_default: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def measure(cls, context: Context) -> Self:
        """Answer the question."""

    @abstractmethod
    def figures(self, context: Context) -> Figures:
        """The pictures of the answer."""

    @abstractmethod
    def digest(self) -> Digest:
        """The answer in a few lines."""

    @classmethod
    def check(cls, context: Context) -> None:
        """Refuse, before any work, a dataset that is too small.

        Raises:
            UserError: some class has fewer than `images_per_class` training images.
        """
        counts = np.bincount(context.train.labels, minlength=len(context.classes))
        label = int(counts.argmin())
        if counts[label] < cls.images_per_class:
            raise UserError(
                f"{context.dataset.name} is too small for part {cls.number}, {cls.name}: it has "
                f"{counts[label]} training image(s) of class {context.classes[label]!r} and "
                f"{cls.images_per_class} are needed; leave the part out with --only"
            )


PARTS: Registry[type[Part]] = Registry("part", "PARTS", "fmnist_jax.analysis")


def available() -> list[type[Part]]:
    """Every part, by its number."""
    return sorted((PARTS[name] for name in PARTS.catalogue), key=lambda part: part.number)


def select(names: Sequence[str]) -> list[type[Part]]:
    """The parts of these names or numbers, by number; all that run by default if none is given.

    Raises:
        UserError: no such part; the message names the nearest one.
    """
    parts = available()
    if not names:
        return [part for part in parts if part.by_default]
    numbers = {part.number: part for part in parts}

    def find(name: str) -> type[Part]:
        if not name.isdecimal():
            return PARTS[name]
        if int(name) not in numbers:
            raise UserError(f"unknown part {name}: they are numbered 1 to {max(numbers)}")
        return numbers[int(name)]

    chosen = {find(name).number for name in names}
    return [numbers[number] for number in sorted(chosen)]


def analyze(
    context: Context,
    parts: Sequence[type[Part]],
    on_part: Callable[[type[Part]], None] = lambda part: None,
) -> Iterator[Part]:
    """Measure `parts` in the order given, each when it is asked for.

    Args:
        context: the data.
        parts: what to measure.
        on_part: called with each part as it begins.

    Raises:
        UserError: the dataset is too small for one of them; nothing is measured then.
    """
    for part in parts:
        part.check(context)
    for part in parts:
        on_part(part)
        yield context.result(part)
