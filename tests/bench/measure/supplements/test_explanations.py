"""What a record keeps of a network's explanations."""

import numpy as np

from bench.measure.supplements import explanations
from bench.measure.supplements.explanations import explain_sample
from fmnist_jax.data.dataset import Split
from fmnist_jax.explain.controls import CONTROLS
from tests.support.small_networks import Linear, Pooled, trained

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 28, 28)).astype(np.uint8)
TEST = Split(IMAGES, np.zeros(8, np.uint8))
CLASSES = np.arange(8) % 3


def test_a_record_gets_one_entry_per_method_and_control(monkeypatch):
    monkeypatch.setattr(explanations, "LEAST", 3)
    entries = explain_sample(Pooled(), trained(Pooled(), IMAGES[..., None] / 255), TEST, CLASSES)
    assert [entry.method for entry in entries] == ["gradcam", *CONTROLS]
    gradcam, *controls = entries
    assert gradcam.images == 3
    assert gradcam.maps_per_s > 0
    assert {"deletion_blur", "road_combined", "sanity"} <= gradcam.faithfulness.keys()
    assert all(entry.layer is None and entry.maps_per_s is None for entry in controls)


def test_a_network_without_convolutions_has_none():
    variables = trained(Linear(), IMAGES[..., None] / 255)
    assert explain_sample(Linear(), variables, TEST, np.zeros(8, int)) == []
