"""Train, export and publish the models that Familiar serves."""
