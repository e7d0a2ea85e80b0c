"""Children are started, asked, killed and explained, in real processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection

import psutil
import pytest

from fmnist_jax.system.child import (
    TAG,
    Child,
    ChildDied,
    ChildRaised,
    Returned,
    exit_cause,
)
from fmnist_jax.system.process_tags import find_tagged
from tests.support.processes import gone, wait_for


def double(number: int, connection: Connection) -> int:
    connection.send("thinking")
    return 2 * number


def echo(connection: Connection) -> None:
    while True:
        connection.send(connection.recv())


def fail(connection: Connection) -> None:
    raise RuntimeError("no such\nluck")


def end(how: str, connection: Connection) -> None:
    connection.send("last words")
    match how:
        case "exit":
            os._exit(3)
        case "abort":
            os.write(1, b"to stdout\n")
            os.write(2, b"the reason\n\n")
            os.abort()
        case _:
            os.kill(os.getpid(), signal.Signals[how])


def fall_silent(connection: Connection) -> None:
    connection.close()
    time.sleep(600)


def start_a_sleeper(connection: Connection) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    connection.send(sleeper.pid)
    os.kill(os.getpid(), signal.SIGKILL)


def ignores_signals(connection: Connection) -> bool:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return True


def test_messages_come_in_order_and_the_result_last() -> None:
    with Child(double, 21) as child:
        assert child.receive() == "thinking"
        assert child.receive() == Returned(42)
        with pytest.raises(ChildDied, match="exit code 0"):
            child.receive()
    with Child(double, 4) as child:
        assert child.result() == 8


def test_a_child_can_be_asked_again_and_again() -> None:
    with Child(echo) as child:
        for word in ("one", "two"):
            child.connection.send(word)
            assert child.receive() == word
        with pytest.raises(TimeoutError, match=r"no answer within 0.01 s"):
            child.receive(0.01)
        pid = child.pid
    assert gone([pid])
    child.kill()  # once more does no harm


def test_an_exception_arrives_in_one_line() -> None:
    with Child(fail) as child, pytest.raises(ChildRaised, match=r"^RuntimeError: no such luck$"):
        child.receive()


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("exit", "^exit code 3$"),
        ("SIGSEGV", "^killed by SIGSEGV$"),
        ("SIGKILL", "^killed by SIGKILL .by hand, or by the system for want of memory.$"),
    ],
)
def test_a_death_is_explained_after_the_last_message(how: str, cause: str) -> None:
    with Child(end, how) as child:
        assert child.receive() == "last words"
        with pytest.raises(ChildDied, match=cause):
            child.receive()


def test_hidden_output_explains_a_death(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        Child(end, "abort", hide_output=True) as child,
        pytest.raises(ChildDied, match=r"^killed by SIGABRT: the reason$"),
    ):
        child.result()
    assert capfd.readouterr() == ("", "")
    assert exit_cause(-35) == "killed by signal 35"


def test_a_child_that_falls_silent_is_waited_for_no_longer_than_asked() -> None:
    with Child(fall_silent) as child:
        wait_for(lambda: child.connection.poll(), "the end of the file")
        for _ in range(2):
            with pytest.raises(TimeoutError):
                child.receive(0)
        assert len(child.waitables) == 1


def test_what_a_dead_child_had_started_is_killed_with_it() -> None:
    with Child(start_a_sleeper) as child:
        sleeper = child.receive()
        with pytest.raises(ChildDied):
            child.receive()
        assert psutil.pid_exists(sleeper)
        assert [process.pid for process in find_tagged(TAG, child._tag)] == [sleeper]
    assert gone([sleeper])


def test_signals_are_for_the_parent_to_answer() -> None:
    with Child(ignores_signals) as child:
        assert child.result() is True


# A script without a guard, which a spawned process would run again.
SCRIPT = """
import sys
from fmnist_jax.system.child import Child
from tests.fmnist_jax.system.test_child import double
with Child(double, 1) as child:
    print(child.result())
"""


def test_a_script_needs_no_guard(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert done.stdout == "2\n", done.stderr


def start_in_a_daemon(connection: Connection) -> int:
    assert multiprocessing.current_process().daemon
    with Child(double, 3) as child:
        value = child.result()
    assert multiprocessing.current_process().daemon
    return value


def test_a_daemon_may_have_children() -> None:
    with Child(start_in_a_daemon) as child:
        assert child.result() == 6


def test_a_child_ends_with_its_parent() -> None:
    parent = (
        "import time; from fmnist_jax.system.child import Child;"
        "from tests.fmnist_jax.system.test_child import echo;"
        "child = Child(echo); child.connection.send('ready'); child.receive();"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        process.kill()
    assert gone([pid])


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    late = (
        "from fmnist_jax.system.parent_death import exit_with_parent;"
        "exit_with_parent(2**22 + 1); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_forgotten_child_does_not_keep_its_parent_from_ending() -> None:
    script = (
        "from fmnist_jax.system.child import Child;"
        "from tests.fmnist_jax.system.test_child import echo;"
        "child = Child(echo); child.connection.send('ready'); child.receive(); print(child.pid)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert gone([int(done.stdout)])
