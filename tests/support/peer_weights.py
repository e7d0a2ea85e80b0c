"""Flax's weights in the other frameworks' shapes."""

import numpy as np


def flat(tree, path=()):
    """("block1", "conv1", "kernel") -> array, of nested dictionaries."""
    if not hasattr(tree, "items"):
        return {path: np.asarray(tree)}
    return {k: v for name, sub in tree.items() for k, v in flat(sub, (*path, name)).items()}


NAMES = {"scale": "weight", "mean": "running_mean", "var": "running_var", "bias": "bias"}


def load_torch(network, variables):
    """HWIO -> OIHW; rows of the CNN's first dense layer from HWC order to CHW."""
    import torch

    state = dict(network.state_dict())
    for (_, *module, leaf), array in flat(variables).items():
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif module == ["hidden"] and leaf == "kernel":
            array = array.reshape(3, 3, 128, 128).transpose(2, 0, 1, 3).reshape(-1, 128)
        key = ".".join([*module, NAMES.get(leaf, "weight")])
        array = array.T if array.ndim == 2 else array
        assert state[key].shape == array.shape
        state[key] = torch.from_numpy(np.array(array))
    network.load_state_dict(state)


def load_keras(model, variables):
    """The same layouts, other names."""
    names = {"scale": "gamma", "bias": "bias", "mean": "moving_mean", "var": "moving_variance"}
    for (_, *module, leaf), array in flat(variables).items():
        layer = model.get_layer("_".join(module))
        norm = module[-1].startswith("norm")
        name = {**names, "bias": "beta"}[leaf] if norm else leaf
        (variable,) = [weight for weight in layer.weights if weight.name == name]
        variable.assign(array)
