"""Entrants without a framework, well and ill behaved; `variant` says how."""

import os
import signal
import time

import numpy as np

from bench.peers.protocol import VARIANTS, Trained, Unavailable


class Fake:
    parameters = 10

    def __init__(self, variant):
        self.variant = variant
        self.predicts = variant != "train-only"
        self.versions = {"fake": "1.0"}
        self.calls = 0

    def train(self, batch):
        if self.variant == "hang":
            time.sleep(600)

        def run(steps):
            self.calls += 1
            if self.calls > 6 and self.variant == "die":  # in a round, not while it prepares
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.002 * steps)
            loss = float("nan") if self.variant == "diverge" else 1.0
            return Trained(steps * batch, loss)

        return run

    def predict(self, batch):
        print("noise on stdout")
        return lambda: np.full((batch, 10), 0.1, np.float32)


def register(variant):
    """Register a fake that behaves as its variant says."""

    def build(setup):
        if variant == "raise":
            raise RuntimeError("no such\nluck")
        if variant == "unavailable":
            raise Unavailable("no compiler")
        fake = Fake(variant)
        fake.parameters += variant == "bigger"
        return fake

    VARIANTS.register(f"fake/{variant}")(build)


for each in ("well", "train-only", "raise", "unavailable", "bigger", "diverge", "die", "hang"):
    register(each)
