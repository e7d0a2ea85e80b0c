"""Tables, reports and progress, all from records."""
