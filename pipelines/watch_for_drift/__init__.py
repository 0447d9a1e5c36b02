"""watch_for_drift: new data against what the live model was trained on, as a recurring run."""
