"""What is added to a record once it is complete: robustness, explanations, pictures."""
