"""What the other processes do: start a worker when process 0 says so, and tell how it ended."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.execution.executor import Executor
from bench.execution.hosts import link as line
from bench.measure.messages import Seat, new_task
from bench.processes import signals
from bench.records.schema import Case
from bench.reporting.progress import name

log = logging.getLogger("fmnist_jax")


def follow(
    seat: Seat,
    link: line.Link,
    cases: Sequence[Case],
    executor: Executor,
    *,
    data_dir: Path | None = None,
    debug: bool = False,
) -> int:
    """Work along until process 0 is through, and return its exit code.

    Args:
        seat: of this process.
        link: to process 0.
        cases: of the plan, the same as process 0's.
        executor: where the worker runs.
        data_dir: as given on the command line.
        debug: workers print tracebacks.
    """
    log.info("process %d of %d works along with %s", seat.process_id, seat.processes, seat.host)
    executor.prepare(cases)
    leaders: dict[str, str] = {}  # names of its tasks, by ours: they may be on one machine
    with signals.as_event() as interrupted:
        try:
            while not interrupted.is_set():
                for message in link.messages():
                    executor.stop()  # whatever is left of the case before
                    if isinstance(message, line.Dismiss):
                        return _dismissed(message)
                    if isinstance(message, line.Begin):
                        log.info("%s: starts", name(message.case))
                        place = executor.find_slot(message.case)
                        assert place, "nothing is at work"
                        task = new_task(
                            message.case,
                            place.host,
                            place.cores,
                            data_dir=data_dir,
                            debug=debug,
                            seat=replace(seat, coordinator=message.coordinator),
                        )
                        leaders[task.run_id] = message.run_id
                        executor.start(task, place)
                for ended in executor.poll(lambda *_: None):
                    run = ended.outcome.record.run
                    log.info("%s: %s", name(ended.task.case), run.error or run.status)
                    link.send(
                        line.TaskResult(
                            run_id=leaders[run.id],
                            status=run.status,
                            error=run.error,
                            retryable=ended.retryable,
                        )
                    )
        except OSError as error:
            print(f"error: process 0 is gone: {error.strerror or error}", file=sys.stderr)
            return 1
        finally:
            executor.stop()
            link.close()
    print("interrupted; process 0 records the case as failed", file=sys.stderr)
    return signals.EXIT_CODE


def _dismissed(message: line.Dismiss) -> int:
    if message.reason:
        print(f"error: {message.reason}", file=sys.stderr)
    return message.code
