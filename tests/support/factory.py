"""Records and hosts for tests, as small as the schema allows."""

from datetime import UTC, datetime, timedelta

from bench.measure import messages
from bench.records.identity import digest_config
from bench.records.provenance import Provenance
from bench.records.quality import Quality
from bench.records.schema import Case, Code, Inference, Machine, Probe, Software, Throughput, Time

FOLDER = "0123456789abcdef"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def make_host(**machine):
    given = {
        "id": "test-cpu-2c",
        "cpu": "Test CPU",
        "microarchitecture": "testarch",
        "cores": 2,
        "memory_bytes": 2**30,
        "accelerator": None,
        "accelerator_count": 0,
        "driver": None,
        "probe": Probe(matmul_flops=1e11, bandwidth_bytes=1e10),
    }
    return Provenance(
        machine=Machine(**(given | machine)),
        software=Software(
            python="3.11.0",
            jax="0.10.2",
            jaxlib="0.10.2",
            flax="0.12.8",
            optax="0.2.8",
            numpy="2.4.6",
            sklearn="1.9.1",
            sklearnex=None,
            lightgbm=None,
            jax_config={},
            xla_flags=None,
            compute_dtype=None,
        ),
        code=Code(version="0.1.0", commit=None, dirty=None),
        command="python -m bench run knn",
        folder=FOLDER,
    )


def make_case(model="knn", seed=0, dataset="fashion_mnist", train_images=None, **hyper):
    config = {
        "model": hyper,
        "data": {
            "validation_images": 5000,
            "split_seed": 0,
            "train_images": train_images,
            "test_images": None,
        },
        "target_accuracy": 0.9,
    }
    return Case(
        model=model,
        kind="flax" if model in ("cnn", "resnet") else "sklearn",
        dataset=dataset,
        dataset_sha256="0" * 64,
        synthetic=dataset == "synthetic",
        seed=seed,
        config=config,
        config_hash=digest_config(config),
    )


def make_record(case=None, *, accuracy=0.9, at=0, status="ok", contended=False, host=None):
    """A finished record of 1,000 test images, `at` minutes after the beginning of time."""
    task = messages.new_task(case or make_case(), host or make_host(), (0,))
    record = messages.make_record(task, status, None if status == "ok" else "because")
    right = round(100 * accuracy)
    confusion = [
        [right if r == c else 100 - right if (r + 1) % 10 == c else 0 for c in range(10)]
        for r in range(10)
    ]
    return record.model_copy(
        update={
            "run": record.run.model_copy(
                update={"started": BEGINNING + timedelta(minutes=at), "contended": contended}
            ),
            "time": Time(fit_s=12.5, total_s=20.0, epoch_s=[5.0, 4.0, 4.0]),
            "throughput": Throughput(
                train_images_per_s=[100.0, 300.0, 200.0, 400.0],
                inference=[
                    Inference(batch=1, latency_s=[0.003, 0.001, 0.002]),
                    Inference(batch=1000, latency_s=[0.5, 0.25, 1.0]),
                ],
            ),
            "quality": Quality(
                test_accuracy=accuracy, validation_accuracy=accuracy, confusion=confusion
            ),
        }
    )


def compiled(record, seconds, *, cached=False, commit="a"):
    """The record with its start: how long it compiled, or read from a cache, by which code."""
    time = record.time.model_copy(update={"compile_s": seconds, "compile_cached": cached})
    code = record.code.model_copy(update={"commit": commit * 40})
    return record.model_copy(update={"time": time, "code": code})
