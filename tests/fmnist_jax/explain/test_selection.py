import numpy as np

from fmnist_jax.explain.selection import Selection


def test_selection_is_the_union_in_the_order_of_the_options():
    labels = np.array([0, 1, 0, 1, 0])
    proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7], [0.7, 0.3]])
    index = np.arange(5) + 10
    assert Selection((14,), 1, 1).choose(index, labels, proba).tolist() == [4, 2, 0, 1]
    assert Selection().choose(index, labels, proba).tolist() == [0, 1]
    assert Selection(wrong=9).choose(index, labels, proba).tolist() == [2, 1]
