"""Networks trained over several hosts: the same command on each, one of them leading.

Process 0 alone decides, stores and shows. It says to the others which case is next, and
each of them starts a worker for it, as process 0 does; the workers find one another through
jax.distributed, anew for each case, and train together. No folder has to be shared.
"""
