"""score: new rows scored by the live model into files or a table, as a recurring run."""
