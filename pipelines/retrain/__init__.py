"""The pipeline that trains the live model on with new data, as a schedule or an alarm starts it."""
