"""Train networks on the devices of several hosts together.

The same command runs on every host and supervises one worker process; the workers train
together (`bench.measure.distributed`). Process 0 decides which case is next, and alone
keeps records and checkpoints. A worker that fails or is lost ends the run on every host:
without its heartbeats, JAX's coordination service terminates the other workers.
"""
