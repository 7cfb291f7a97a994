"""From a model in memory to a version that a model server serves: write, check, publish."""
