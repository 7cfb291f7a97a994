"""Familiar's shared library: the domain first, adapters at its edge.

The modules of this folder are the domain. They take and return values and import neither Flask, Redis, gRPC,
SQLAlchemy nor TensorFlow; ``tests/unit/familiar/test_import_rule.py`` holds them to it. The sub-packages ``database``,
``detectors``, ``serving``, ``queueing`` and ``wire`` are the adapters.
"""

__version__ = "0.1.0"
