"""The contract between gateway and trainer: the names on the queue.

A job carries the id of a training and nothing else; what it means stands in the database. So a job can run twice, be
lost with Redis, or outlive the process that asked for it.
"""

TRAINING_QUEUE = "training"
RUN_TRAINING = "familiar_trainer.jobs.run_training"
"""Dotted name of the job, so the gateway can enqueue what it cannot import."""
