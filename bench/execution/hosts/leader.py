"""What process 0 does with a case: its own worker, and word to the others and from them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.execution.executor import Executor, Report, Slot, TaskResult
from bench.execution.hosts import link as line
from bench.execution.hosts.seat import free_port
from bench.execution.hosts.team import Team
from bench.measure.messages import Outcome, Task
from bench.records.provenance import Provenance
from bench.records.schema import Case, Status

WORD_S = 3.0  # how long the others may take to say how their workers ended


@dataclass(frozen=True)
class _Fault:
    """What went wrong at one process; `gone` for good, or `transient` as in `Ended`."""

    status: Status
    error: str
    retryable: bool
    gone: bool = False


class Leader:
    """One case at a time, on the devices of all hosts.

    A case is lost with the first worker that is, here or elsewhere.
    """

    def __init__(self, team: Team, local: Executor) -> None:
        self._team = team
        self._local = local
        self._lost: dict[int, str] = {}
        self._awaited: set[int] = set()
        self._faults: list[_Fault] = []

    @property
    def lock_scope(self) -> str:
        """The claims on cases are made for all hosts together."""
        return self._team.host.machine.id

    @property
    def hosts(self) -> Sequence[Provenance]:
        """All of them, as one machine."""
        return (self._team.host,)

    @property
    def running(self) -> Sequence[Task]:
        """The tasks that were started and have not ended."""
        return self._local.running

    def prepare(self, cases: Sequence[Case]) -> None:
        """Told once what is going to be run."""
        self._local.prepare(cases)

    def find_slot(self, case: Case) -> Slot | None:
        """This host's cores; None while there is a case at work."""
        place = None if self.running else self._local.find_slot(case)
        return place and replace(place, host=self._team.host)

    def start(self, task: Task, place: Slot) -> None:
        """Have every process start a worker.

        They meet at a port of their own, so that none runs into what is left of another case.
        """
        seat = replace(self._team.seat, coordinator=f"{self._team.seat.host}:{free_port()}")
        self._faults = [_gone(number, why) for number, why in self._lost.items()]
        self._awaited = set(self._team.links) - set(self._lost)
        self._tell(line.Begin(run_id=task.run_id, case=task.case, coordinator=seat.coordinator))
        self._local.start(replace(task, seat=seat), place)

    def poll(self, report: Report) -> list[TaskResult]:
        """Wait a moment, report progress, and say whether the case has ended."""
        ended = self._local.poll(report)
        for task in self.running:
            self._hear(task)
        if self._faults:
            ended += self._local.stop()
        return [self._judge(one) for one in ended]

    def stop(self) -> list[TaskResult]:
        """End the case at once, everywhere."""
        self._tell(line.Stop())
        return self._local.stop()

    def _judge(self, ended: TaskResult) -> TaskResult:
        """Where a case failed, have it end everywhere, and find out which worker is to blame."""
        run = ended.outcome.record.run
        if run.status == "ok":
            return ended
        deadline = time.monotonic() + WORD_S
        while self._awaited and time.monotonic() < deadline and not ended.retryable:
            self._hear(ended.task)
            time.sleep(0.02)
        self._tell(line.Stop())
        faults = list(self._faults)
        if run.status != "interrupted":  # by us, for what happened elsewhere
            faults.insert(0, _Fault(run.status, run.error or "", ended.retryable))
        # One that was cut off explains the errors of those that were left waiting for it.
        worst = next((fault for fault in faults if fault.gone or fault.retryable), faults[0])
        run = run.model_copy(update={"status": worst.status, "error": worst.error})
        record = ended.outcome.record.model_copy(update={"run": run})
        return TaskResult(ended.task, Outcome(record), worst.retryable)

    def _hear(self, task: Task) -> None:
        """Take in what the others say of this task; word of earlier ones is out of date."""
        for number, link in self._team.links.items():
            if number in self._lost:
                continue
            try:
                said = link.messages()
            except OSError as error:
                self._lose(number, error)
                continue
            for message in said:
                if isinstance(message, line.TaskResult) and message.run_id == task.run_id:
                    self._awaited.discard(number)
                    if message.status != "ok":
                        text = f"process {number}: {message.error}"
                        self._faults.append(_Fault(message.status, text, message.retryable))

    def _lose(self, number: int, error: OSError) -> None:
        self._lost[number] = error.strerror or str(error)
        if number in self._awaited:  # otherwise its part of the case is done
            self._awaited.discard(number)
            self._faults.append(_gone(number, self._lost[number]))

    def _tell(self, message: line.Message) -> None:
        for number, link in self._team.links.items():
            if number not in self._lost:
                try:
                    link.send(message)
                except OSError as error:
                    self._lose(number, error)


def _gone(number: int, why: str) -> _Fault:
    """Trying again is of no use: it does not come back."""
    return _Fault("failed", f"process {number} is gone: {why}", retryable=False, gone=True)
