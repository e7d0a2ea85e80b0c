"""Fashion-MNIST in JAX: data, models, training, evaluation and explanation.

Importing this package imports nothing heavy: jax, flax and scikit-learn are
loaded by the module that needs them.
"""

__version__ = "0.1.0"
