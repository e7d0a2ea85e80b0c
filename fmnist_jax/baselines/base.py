"""A scikit-learn estimator behind the learner protocol."""

import importlib
import pickle
import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import CLASSES, Images, Split
from fmnist_jax.history import Checkpoints, Epoch, ModelCost, Prepared
from fmnist_jax.learner import Kind, Learner, LearnerConfig, Probabilities
from fmnist_jax.system.cpu import available_cores

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

Features = npt.NDArray[np.float32]  # [n, 784]
Labels = npt.NDArray[np.uint8]  # [n]


class BaselineConfig(LearnerConfig):
    """Hyper-parameters of one classical family; subclasses implement `estimator`.

    Attributes:
        own_probabilities: trust the estimator's `predict_proba` where it has one;
            otherwise its decision values become probabilities.
        expected_warning: how a warning begins that says nothing new, such as that a training
            of fixed length has ended; None: all are passed on.
        standardise: give every pixel mean 0 and variance 1 over the training images.
    """

    kind: ClassVar[Kind] = "sklearn"
    own_probabilities: ClassVar[bool] = True
    expected_warning: ClassVar[str | None] = None

    standardise: bool = False

    @abstractmethod
    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """An unfitted scikit-learn classifier of [n, 784] features in [0, 1] or standardised."""

    def fit_options(self, features: Features, labels: Labels) -> dict[str, Any]:
        """What else the estimator's `fit` takes, given the validation images; nothing here."""
        return {}

    def parameters(self, fitted: Any) -> int | None:
        """How many numbers the fitted estimator stores, where that can be said."""
        return None

    def build(self, seed: int) -> Learner:
        """A learner whose estimator uses as many threads as it has cores."""
        return SklearnLearner(self, seed)


class SklearnLearner:
    """Fits `config`'s estimator on flattened pixels in [0, 1].

    Args:
        config: family and hyper-parameters.
        seed: handed to the estimator as its `random_state`.
    """

    def __init__(self, config: BaselineConfig, seed: int) -> None:
        self._config = config
        self._classifier = config.estimator(seed, len(available_cores()))
        self._estimator: Any = standardised(self._classifier, config.standardise)
        self._train: tuple[Features, Labels] | None = None
        self._validation: tuple[Features, Labels] | None = None
        self._temperature: float | None = None  # None: the estimator has its own probabilities

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Flatten and scale both splits."""
        self._train = flatten(train.images), train.labels
        self._validation = flatten(validation.images), validation.labels
        return Prepared()

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Fit the estimator; classical baselines have no epochs to report or to go on from."""
        if self._train is None or self._validation is None:
            raise RuntimeError("fit needs prepare first")
        with warnings.catch_warnings():
            if self._config.expected_warning:
                warnings.filterwarnings("ignore", self._config.expected_warning)
            self._estimator.fit(*self._train, **self._config.fit_options(*self._validation))
        self._train = None
        if not (self._config.own_probabilities and hasattr(self._estimator, "predict_proba")):
            self._temperature = fit_temperature(
                decision_values(self._estimator, self._validation[0]), self._validation[1]
            )
        return ()

    def predict_proba(self, images: Images) -> Probabilities:
        """float32 [n, 10] of uint8 [n, 28, 28].

        Where an estimator has no probabilities that can be trusted, its decision
        values become probabilities by a softmax whose one temperature was fitted
        on the validation split (Guo et al. 2017, arXiv 1706.04599).
        """
        return class_probabilities(self._estimator, flatten(images), self._temperature)

    def cost(self) -> ModelCost:
        """Sizes of the fitted estimator."""
        parameters = self._config.parameters(self._classifier)
        return ModelCost(
            parameters=parameters,
            trainable_parameters=parameters,
            flops_per_image=None,
            model_bytes=len(pickle.dumps(self._estimator, protocol=pickle.HIGHEST_PROTOCOL)),
        )


def class_probabilities(
    estimator: Any, features: npt.NDArray[np.float32], temperature: float | None
) -> Probabilities:
    """Return probabilities, float32 [n, 10], of features [n, f].

    Args:
        estimator: a fitted scikit-learn classifier.
        features: what it was fitted on, of other images.
        temperature: divides its decision values before a softmax; None: it has
            probabilities of its own.
    """
    if temperature is None:
        given = estimator.predict_proba(features)
    else:
        given = softmax(decision_values(estimator, features) / temperature)
    # A subset may lack a class: its column stays at zero.
    probabilities = np.zeros((len(features), CLASSES), np.float32)
    probabilities[:, estimator.classes_] = given
    return probabilities


def decision_values(estimator: Any, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the decision values [n, classes] of features [n, f]."""
    return np.asarray(estimator.decision_function(features), np.float64)


def flatten(images: Images) -> Features:
    """uint8 [n, 28, 28] -> float32 [n, 784] in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255.0)


def standardised(classifier: "BaseEstimator", wanted: bool) -> "BaseEstimator":
    """The classifier, behind a standardisation of its features if that is wanted."""
    if not wanted:
        return classifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), classifier)


def softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Row-wise softmax of scores [n, c]."""
    from scipy.special import softmax as scipy_softmax

    return np.asarray(scipy_softmax(scores, axis=1))


def fit_temperature(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8]) -> float:
    """The temperature that minimises the cross-entropy of softmax(scores / temperature).

    Args:
        scores: decision values [n, c] on data that the estimator was not fitted on.
        labels: integers [n], columns of `scores`.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))
    unit = float(scores.std()) or 1.0  # decision values have any scale: 1 or a million

    def loss(log_temperature: float) -> float:
        divisor = unit * np.exp(log_temperature)
        return -float(log_softmax(scores / divisor, axis=1)[rows, labels].mean())

    best = minimize_scalar(loss, bounds=(-7.0, 7.0), method="bounded").x
    return unit * float(np.exp(best))


def linear_parameters(fitted: Any) -> int:
    """Coefficients and intercepts of a fitted linear model."""
    return int(fitted.coef_.size + fitted.intercept_.size)


def estimator_class(module: str, name: str) -> type["BaseEstimator"]:
    """A scikit-learn class, in Intel's accelerated form where that is installed.

    For those whose accelerated form is as accurate: not every one is.

    Args:
        module: the scikit-learn subpackage, "svm".
        name: the class in it, "SVC".
    """
    for package in ("sklearnex", "sklearn"):
        try:
            found = getattr(importlib.import_module(f"{package}.{module}"), name)
        except (ImportError, AttributeError):
            continue
        return cast("type[BaseEstimator]", found)
    raise ImportError(f"scikit-learn has no {module}.{name}")
