"""The compiled programs: what a step, an epoch and several epochs compute on every device."""
