"""One case becomes one record: the same few lines for a network and a classical model.

Runs in a process of its own, which the runner starts and supervises. Nothing
heavy is imported before the process has been given its cores, since thread
pools are sized when their library is loaded.
"""

import gc
import logging
import os
import sys
import traceback
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from bench.measure.clock import Clock, sample
from bench.measure.contention import ContentionMonitor
from bench.measure.messages import (
    TARGET_METRIC,
    Outcome,
    Progress,
    Seat,
    Task,
    mark_contended,
    unmeasured_record,
)
from bench.records.schema import (
    Costs,
    HistoryPoint,
    Inference,
    Quality,
    Record,
    Status,
    Target,
    Throughput,
    Time,
)
from fmnist_jax.errors import DataError, Diverged, UserError
from fmnist_jax.system.cpu import confine

if TYPE_CHECKING:
    from fmnist_jax.data.splits import Splits
    from fmnist_jax.history import Epoch, Prepared
    from fmnist_jax.learner import Learner, LearnerConfig

INFERENCE_BATCHES = (1, 100, 1000)


def execute(task: Task, events: Connection) -> Outcome:
    """Run a case; whatever goes wrong inside becomes the status of its record."""
    pin_to_cores(task)
    _forward_messages(events)
    strangers = ContentionMonitor(task.cores)
    outcome = _outcome(task, events)
    return mark_contended(outcome) if strangers.detected else outcome


def _outcome(task: Task, events: Connection) -> Outcome:
    clock = Clock()
    try:
        return _run(task, clock, events)
    except Diverged as error:
        return Outcome(_failed(task, clock, "diverged", str(error)))
    except Exception as error:
        if task.debug:
            traceback.print_exc(file=sys.stderr)
        exhausted = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
        text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return Outcome(_failed(task, clock, "oom" if exhausted else "failed", text))


def pin_to_cores(task: Task) -> None:
    """Confine this process, and the libraries it is about to load, to the task's cores."""
    confine(task.cores)
    # XLA's remarks on the machine are not for the person who watches a table.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if task.case.kind == "flax":
        import jax

        from fmnist_jax.system.paths import default_cache_dir
        from fmnist_jax.training import jax_cache

        jax_cache.keep(default_cache_dir() / "compiled")
        # One device per core also spreads the elementwise work over all of them.
        jax.config.update("jax_num_cpu_devices", len(task.cores))


def _run(task: Task, clock: Clock, events: Connection) -> Outcome:
    import numpy as np

    from fmnist_jax.evaluation import classification as evaluation
    from fmnist_jax.learner import resolve

    case = task.case
    events.send(Progress("data"))
    with clock.phase("data_s"):
        splits, classes = _splits(task)
    if task.seat:
        join_distributed(task.seat)
    config = resolve(case.model, case.config["model"])
    learner = config.build(case.seed)
    events.send(Progress("compile" if case.kind == "flax" else "prepare"))
    gc.collect()
    gc.freeze()  # what was imported stays: looking through it would cost timed moments
    prepared = learner.prepare(splits.train, splits.validation)

    epochs = case.config["model"].get("epochs")
    events.send(Progress("train", epoch=0 if epochs else None, epochs=epochs))

    trained_here = 0

    def on_epoch(epoch: "Epoch") -> None:
        nonlocal trained_here
        trained_here += 1
        events.send(
            Progress(
                "train",
                epoch.epoch,
                epochs,
                epoch.validation_loss,
                epoch.validation_accuracy,
                epoch.images / epoch.train_s,
            )
        )

    with clock.phase("fit_s"):
        history = learner.fit(on_epoch, task.checkpoints)
    if task.seat:
        leave_distributed()
        if task.seat.process_id:  # the rest is for the first, which has the record
            return Outcome(unmeasured_record(task, "ok"))

    events.send(Progress("measure"))
    images = splits.validation.images
    inference = [
        Inference(batch=batch, latency_s=sample(partial(learner.predict_proba, images[:batch])))
        for batch in INFERENCE_BATCHES
        if batch <= len(images)
    ]
    validation = _predict(learner, images)
    events.send(Progress("test"))
    with clock.phase("evaluate_s"):
        probabilities = _predict(learner, splits.test.images)
    predicted, labels = probabilities.argmax(1), splits.test.labels
    confusion = evaluation.confusion_matrix(labels, predicted, len(classes))

    events.send(Progress("figures"))
    from bench.measure.artifacts import make_artifacts  # matplotlib, wanted only now

    artifacts = make_artifacts(case, classes, splits, probabilities, confusion, history, learner)
    record = unmeasured_record(task, "ok")
    resumed = len(history) - trained_here or None
    record = record.model_copy(
        update={
            "run": record.run.model_copy(update={"resumed_from_epoch": resumed}),
            "software": _software(task, config),
            "time": _time(clock, prepared, history),
            "throughput": Throughput(
                train_images_per_s=[epoch.images / epoch.train_s for epoch in history]
                or [len(splits.train) / clock.seconds["fit_s"]],
                inference=inference,
            ),
            "quality": Quality(
                test_accuracy=evaluation.accuracy(confusion),
                test_loss=evaluation.log_loss(probabilities, labels),
                validation_accuracy=float(
                    np.mean(validation.argmax(1) == splits.validation.labels)
                ),
                confusion=confusion.tolist(),
                history=[_point(epoch) for epoch in history],
            ),
            "target": _target(task, history),
            "cost": _cost(learner, task),
        }
    )
    if case.kind == "flax":
        from bench.measure.explanations import explain_case
        from fmnist_jax.training.learner import FlaxLearner

        assert isinstance(learner, FlaxLearner)
        explanations = explain_case(case, learner.variables, splits.test, predicted)
        record = record.model_copy(update={"explanations": explanations})
    return Outcome(record, artifacts)


def join_distributed(seat: Seat) -> None:
    """Join the other processes; from now on jax knows their devices as well."""
    import jax

    # Gloo greets on stdout, which is for results.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    jax.distributed.initialize(
        seat.coordinator, seat.processes, seat.process_id, cluster_detection_method="deactivate"
    )


def leave_distributed() -> None:
    """Leave when all have come so far: later, the end of one would be the end of the others."""
    import jax

    jax.distributed.shutdown()


def _splits(task: Task) -> tuple["Splits", tuple[str, ...]]:
    from fmnist_jax.data.load import load
    from fmnist_jax.data.splits import make_splits

    dataset = load(task.case.dataset, task.data_dir)
    if dataset.sha256 != task.case.dataset_sha256:
        raise DataError(
            f"the dataset {dataset.name} changed while the suite was running; run again"
        )
    data = dict(task.case.config["data"])
    return make_splits(dataset, data.pop("split_seed"), **data), dataset.classes


def _predict(learner: "Learner", images: Any) -> Any:
    """Probabilities in batches of the largest measured size, for which all is compiled."""
    import numpy as np

    size = INFERENCE_BATCHES[-1]
    return np.concatenate(
        [learner.predict_proba(images[at : at + size]) for at in range(0, len(images), size)]
    )


def _point(epoch: "Epoch") -> HistoryPoint:
    return HistoryPoint(**{name: getattr(epoch, name) for name in HistoryPoint.model_fields})


def _target(task: Task, history: tuple["Epoch", ...]) -> Target:
    value = task.case.config["target_accuracy"]
    reached = (epoch.elapsed_s for epoch in history if epoch.validation_accuracy >= value)
    return Target(metric=TARGET_METRIC, value=value, reached_s=next(reached, None))


def _time(clock: Clock, prepared: "Prepared", history: tuple["Epoch", ...]) -> Time:
    seconds = dict(clock.seconds)
    if history:
        seconds["fit_s"] = history[-1].elapsed_s
    return Time(
        **seconds,
        compile_s=prepared.compile_s,
        compile_cached=prepared.compile_cached,
        warmup_s=prepared.warmup_s,
        epoch_s=[epoch.train_s for epoch in history],
        total_s=clock.total,
    )


def _cost(learner: "Learner", task: Task) -> Costs:
    cost = learner.cost()
    return Costs(
        parameters=cost.parameters,
        trainable_parameters=cost.trainable_parameters,
        flops_per_image=cost.flops_per_image,
        bytes_per_image=cost.bytes_per_image,
        batch_size=cost.batch_size,
        peak_memory_bytes=_peak_memory(task),
        model_bytes=cost.model_bytes,
    )


def _peak_memory(task: Task) -> int | None:
    """Of the device where networks have one of their own, of this process otherwise."""
    if task.case.kind == "flax" and task.host.accelerated:
        import jax

        stats = [device.memory_stats() or {} for device in jax.local_devices()]
        peaks = [stat["peak_bytes_in_use"] for stat in stats if "peak_bytes_in_use" in stat]
        return sum(peaks) if peaks else None
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _software(task: Task, config: "LearnerConfig") -> Any:
    dtype = config.compute_dtype(task.host.accelerated)
    return task.host.software.model_copy(update={"compute_dtype": dtype})


def _failed(task: Task, clock: Clock, status: Status, error: str) -> Record:
    return unmeasured_record(task, status, " ".join(error.split())).model_copy(
        update={"time": Time(**clock.seconds, total_s=clock.total)}
    )


def _forward_messages(events: Connection) -> None:
    """Send log records and warnings to the parent, which owns the screen."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            events.send(Progress("", message=_first_line(record)))

    logging.captureWarnings(True)
    for name in ("fmnist_jax", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [Forward()]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _first_line(record: logging.LogRecord) -> str:
    """The message, or of a captured warning its text without the place in the source."""
    line = record.getMessage().partition("\n")[0].rstrip(":")
    return line.partition("Warning: ")[2] or line if record.name == "py.warnings" else line
