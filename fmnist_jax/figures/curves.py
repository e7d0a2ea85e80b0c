"""Learning curves as a picture."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from fmnist_jax.history import Epoch


def curves_figure(history: Sequence[Epoch], title: str) -> Figure:
    """Draw loss and accuracy by epoch, for training and validation."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [point.epoch for point in history]
    for axes, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, style in (("train", "--"), ("validation", "-")):
            values = [getattr(point, f"{split}_{metric}") for point in history]
            axes.plot(epochs, values, style, marker=".", label=split)
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return figure
