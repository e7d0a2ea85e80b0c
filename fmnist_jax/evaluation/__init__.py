"""What a trained model is worth: figures from labels and probabilities."""
