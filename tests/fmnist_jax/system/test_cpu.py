import subprocess
import sys

import pytest

from fmnist_jax.system import cgroups, cpu
from fmnist_jax.system.cpu import available_cores


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_a_confined_process_loads_blas_with_as_many_threads_as_cores():
    code = (
        "from fmnist_jax.system.cpu import available_cores, confine; "
        f"confine(({available_cores()[0]},)); assert len(available_cores()) == 1; "
        "import numpy, threadpoolctl; "
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    done = run(code)
    assert done.stdout.strip() == "{1}", done.stderr


def test_a_worker_is_imported_without_what_sizes_thread_pools():
    """The runner's workers confine themselves after this import and before any other."""
    code = (
        "import sys, bench.measure.measure; "
        "sys.exit(bool({'numpy', 'jax', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    assert run(code).returncode == 0


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Write files of control groups, on a machine of eight cores numbered from 40."""
    monkeypatch.setattr(cgroups, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(cgroups, "_MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(40, 48)), raising=False)

    def write(membership, **files):
        (tmp_path / "membership").write_text(membership)
        for name, content in files.items():
            path = tmp_path / "groups" / name.replace("__", "/").replace("_max", ".max")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


def test_no_quota_leaves_all_cores_under_their_own_numbers(groups):
    assert available_cores() == tuple(range(40, 48))  # not even a file that names the groups
    groups("0::/\n", cpu_max="max 100000\n")
    assert available_cores() == tuple(range(40, 48))


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8), ("max 100000", 8), ("", 8)],
)
def test_a_quota_of_version_2_limits_the_cores(groups, quota, cores):
    groups("0::/\n", cpu_max=quota)
    assert available_cores() == tuple(range(40, 40 + cores))


def test_the_smallest_quota_of_the_groups_above_holds(groups):
    groups("0::/pod/box\n", pod__box__cpu_max="max 100000", pod__cpu_max="300000 100000")
    assert available_cores() == (40, 41, 42)


@pytest.mark.parametrize(("quota", "cores"), [("400000", 4), ("-1", 8)])
def test_a_quota_of_version_1_limits_the_cores(groups, tmp_path, quota, cores):
    groups("4:memory:/x\n3:cpuacct,cpu:/invisible/from/here\n0::/\n")
    folder = tmp_path / "groups" / "cpu"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu.cfs_period_us").write_text("100000")
    assert available_cores() == tuple(range(40, 40 + cores))


def test_memory_is_limited_by_either_version(groups, tmp_path):
    assert cgroups.memory_limit() is None
    groups("0::/pod/box\n", pod__box__memory_max="max\n", pod__memory_max="3000000\n")
    assert cgroups.memory_limit() == 3_000_000
    groups("4:memory:/x\n0::/\n")
    (tmp_path / "groups" / "memory").mkdir()
    (tmp_path / "groups" / "memory" / "memory.limit_in_bytes").write_text("2000000\n")
    assert cgroups.memory_limit() == 2_000_000


def test_a_core_that_is_not_granted_is_a_warning(caplog, monkeypatch):
    def refuse(pid, cores):
        raise OSError(22, "Invalid argument")

    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(pool, "1")  # restored at the end
    monkeypatch.setattr("os.sched_setaffinity", refuse, raising=False)
    cpu.confine((4711,))
    assert "cannot stay on cores (4711,): Invalid argument" in caplog.text
