"""Results folders for tests of the report: whole records with artefacts, hostile names, crowds."""

import hashlib
import io

import numpy as np

from bench.peers import schema as peers
from bench.records.schema import Artifact
from tests.bench.reporting.sections.test_peers import comparison
from tests.contract.test_reporting import whole
from tests.support.factory import make_case, make_host, make_record

HOSTILE = "</script><img src=x onerror=alert(1)><b>evil</b>"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63f8"
    "cf50cf000003840182efd9df0f0000000049454e44ae426082"
)


def add(results, record, **artifacts):
    """Write a record with a number for an id, wherever its names would put it."""
    number = len(list(results.glob("*/*/*/*.json")))
    folder = results / f"machine{number}" / "dataset" / "model"
    (folder / str(number)).mkdir(parents=True)
    listed = []
    for kind, content in artifacts.items():
        path = f"{number}/{kind}"
        (folder / path).write_bytes(content)
        listed.append(Artifact(kind=kind, path=path, sha256=hashlib.sha256(content).hexdigest()))
    run = record.run.model_copy(update={"id": f"{number:08x}"})
    record = record.model_copy(update={"run": run, "artifacts": listed})
    (folder / f"{number}.json").write_text(record.model_dump_json(by_alias=True))


def predictions():
    """Probabilities of 40 test images, three quarters of them right."""
    labels = np.arange(40) % 10
    probabilities = np.full((40, 10), 0.02, np.float16)
    probabilities[np.arange(40), (labels + (np.arange(40) % 4 == 0)) % 10] = 0.82
    file = io.BytesIO()
    np.savez(file, test=probabilities, test_labels=labels.astype(np.uint8))
    return file.getvalue()


def fill(results):
    """Two machines with two models each, a failed run, a comparison, and all that a page shows."""
    for number, (machine, model, accuracy) in enumerate(
        (("one", "cnn", 0.93), ("one", "svm", 0.9), ("two", "cnn", 0.92), ("two", "svm", 0.89))
    ):
        host = make_host(id=machine, cpu=f"CPU {machine}")
        record = whole(model, accuracy=accuracy, at=number, host=host)
        if machine == "two":
            speed = {"train_images_per_s": [50.0, 150.0, 100.0, 200.0]}
            throughput = record.throughput.model_copy(update=speed)
            record = record.model_copy(update={"throughput": throughput})
        add(results, record, predictions=predictions(), mistakes=PNG, gradcam=PNG)
    add(results, make_record(make_case("mlp"), status="oom", at=9, host=make_host(id="one")))
    peers.write(results, comparison())


def fill_hostile(results):
    """Markup for the machine, the processor, the command, the error and the method."""
    host = make_host(id=HOSTILE, cpu=HOSTILE)
    for model in ("cnn", "svm"):
        record = whole(model, host=host)
        method = record.explanations[0].model_copy(update={"method": HOSTILE})
        run = record.run.model_copy(update={"command": HOSTILE})
        record = record.model_copy(update={"explanations": [method], "run": run})
        add(results, record, predictions=predictions(), mistakes=PNG)
    failed = make_record(make_case("mlp"), status="failed", host=host)
    add(
        results, failed.model_copy(update={"run": failed.run.model_copy(update={"error": HOSTILE})})
    )


def fill_crowd(results, machines=100, models=("cnn",)):
    """Many machines, each a little slower than the one before."""
    for number in range(machines):
        for model in models:
            record = whole(model, host=make_host(id=f"machine-{number:03d}"))
            rates = [1000.0 / (number + 1)] * 3
            throughput = record.throughput.model_copy(update={"train_images_per_s": rates})
            add(results, record.model_copy(update={"throughput": throughput}))
