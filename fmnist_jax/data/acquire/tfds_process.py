"""What the downloading process does: fetch by tensorflow-datasets, and verify.

The only place that imports tensorflow-datasets, and always in a process of its
own: the import is slow, its downloads cannot be given a deadline, and no timed
process should carry its threads. No TensorFlow is needed. The stock builders of
these datasets need it to extract and to open files, so the builder here leaves
the gzip to Python and stores array records, which are read back with the
library's own reader.
"""

import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from fmnist_jax.data.acquire import cache
from fmnist_jax.data.idx import format as idx
from fmnist_jax.data.idx.card import DatasetCard, assemble, check

_CHUNK = 5_000  # images decoded at a time


def fetch(card: DatasetCard, folder: Path, connection: Connection) -> str:
    """Fetch a dataset in this process, and return what went wrong, empty if nothing.

    Args:
        card: the dataset to fetch.
        folder: an existing folder for the library's own files and the result, which
            `fmnist_jax.data.acquire.cache` finds there.
        connection: to the parent; unused, the return value is sent by the caller.
    """
    try:
        builder = _prepare(card, folder)
        arrays = (*_read_back(builder, "train"), *_read_back(builder, "test"))
        for index, array in enumerate(arrays):
            check(card, index, array)
        cache.store(assemble(card, arrays, "tfds"), folder)
    except ModuleNotFoundError as error:
        return f"the package {error.name} is not installed here"
    except Exception as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        return f"{type(error).__name__}: {reason[:300]}"
    return ""


def _prepare(card: DatasetCard, folder: Path) -> Any:
    import PIL.Image
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import registered

    tfds.disable_progress_bar()

    with registered.skip_registration():

        class Builder(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]
            """The published files, in their order."""

            name = card.name
            VERSION = tfds.core.Version("3.0.1")

            def _info(self) -> Any:
                features = {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(num_classes=len(card.classes)),
                }
                # Published indices, as of label errors, count in the original order.
                return tfds.core.DatasetInfo(
                    builder=self,
                    features=tfds.features.FeaturesDict(features),
                    disable_shuffling=True,
                )

            def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
                files = dl_manager.download(list(card.urls))
                return {
                    "train": self._generate_examples(files[0], files[1]),
                    "test": self._generate_examples(files[2], files[3]),
                }

            def _generate_examples(
                self, images: os.PathLike[str], labels: os.PathLike[str]
            ) -> Iterator[tuple[int, dict[str, Any]]]:
                pairs = zip(_decode(images), _decode(labels), strict=True)
                for index, (image, label) in enumerate(pairs):
                    yield index, {"image": PIL.Image.fromarray(image), "label": int(label)}

    builder = Builder(data_dir=folder / "prepared", file_format="array_record")
    builder.download_and_prepare(
        download_dir=folder / "downloads",
        download_config=tfds.download.DownloadConfig(
            try_download_gcs=False,
            force_checksums_validation=True,
        ),
    )
    return builder


def _decode(path: os.PathLike[str]) -> idx.Bytes:
    # The library renames what it downloads, so the name does not say that it is gzipped.
    return idx.decode(idx.decompress(Path(path).read_bytes()))


def _read_back(builder: Any, split: str) -> tuple[idx.Bytes, idx.Bytes]:
    source = builder.as_data_source(split=split)
    count = len(source)
    images = np.empty((count, 28, 28), np.uint8)
    labels = np.empty(count, np.uint8)
    for start in range(0, count, _CHUNK):
        rows = range(start, min(start + _CHUNK, count))
        for row, example in zip(rows, source.__getitems__(rows), strict=True):
            images[row] = example["image"][..., 0]
            labels[row] = example["label"]
    return images, labels
