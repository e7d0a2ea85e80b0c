import subprocess
import sys

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
