"""Where cases run: the scheduler, and the executors that start them."""
