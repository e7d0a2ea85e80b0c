"""Cores are shared out to the last, never twice, and none is idle for long."""

import heapq

import pytest

from bench.execution.cores import Cores, cores_for, cores_per_baseline
from bench.plan.cases import expected_cost
from tests.support.factory import make_case, make_host

# Seconds that `run --all` took per case on two cores of an AMD EPYC (results/amd-epyc-2c).
MEASURED = {
    "resnet": 352.0,
    "cnn": 179.3,
    "svm": 88.8,
    "random_forest": 95.7,
    "mlp": 26.8,
    "knn": 27.0,
    "logistic_regression": 10.2,
}


def simulate(cores, cases, seconds):
    """Wall time, and the cores of each case, if each lasted so many seconds on its share."""
    queue = sorted(cases, key=lambda case: -expected_cost(case))
    now, given, running = 0.0, {}, []
    while queue or running:
        for case in tuple(queue):
            if share := cores.find_slot(case):
                cores.take(case, share)
                queue.remove(case)
                given[case.model] = share
                heapq.heappush(running, (now + seconds[case.model], case.model, case))
        now, model, case = heapq.heappop(running)
        cores.give_back(case, given[model])
    return now, given


def test_all_models_keep_two_cores_busy():
    cases = [make_case(model) for model in MEASURED]
    wall, given = simulate(Cores((0, 1), cases, make_host()), cases, MEASURED)
    spent = sum(len(given[model]) * seconds for model, seconds in MEASURED.items())
    assert wall <= 1.03 * max(*MEASURED.values(), spent / 2)


def test_one_at_a_time_has_all_cores_that_leave_its_result_alone():
    cases = [make_case("svm"), make_case("knn")]
    wall, given = simulate(Cores((0, 1), cases, make_host(), jobs=1), cases, MEASURED)
    assert given == {"svm": (0,), "knn": (0, 1)}
    assert wall == MEASURED["svm"] + MEASURED["knn"]
    assert cores_for(cases[0], (3, 4)) == (3,)
    assert cores_for(cases[1], (3, 4)) == cores_for(make_case("cnn"), (3, 4)) == (3, 4)


def test_no_core_is_given_twice():
    cases = [make_case("knn", seed=seed) for seed in range(3)]
    cores = Cores(range(4), cases, make_host())
    given = []
    for case in cases:
        share = cores.find_slot(case)
        cores.take(case, share)
        given += share
    assert len(given) == len(set(given)) == 3
    assert cores.find_slot(make_case("cnn")) is None  # which wants all four


@pytest.mark.parametrize(
    ("several", "single", "cores", "most", "share"),
    [
        (5, 0, 2, 2, 1),
        (5, 0, 16, 16, 3),
        (2, 3, 16, 16, 6),
        (1, 0, 16, 16, 16),
        (5, 0, 16, 1, 16),
        (0, 0, 4, 4, 4),
        (9, 0, 4, 4, 1),
        (0, 4, 4, 4, 1),
    ],
)
def test_share_of_a_baseline(several, single, cores, most, share):
    cases = [make_case("knn")] * several + [make_case("svm")] * single
    assert cores_per_baseline(cases, cores, most) == share
