"""A TensorFlow-Serving-compatible model server in Python.

Requests flow transport -> services -> core -> model; versions flow storage -> core -> versions -> engine:

    flags        the command line                    grpc_api     gRPC transport
    config       model configuration files           rest_api     REST transport
    storage      which versions lie on disk          rest_json    JSON <-> arrays
    policy       which version moves next            services     Predict, status, metadata, reload
    versions     load, serve and unload versions     prediction   one request on one model
    states       what versions went through          warmup       replay before a version is available
    core         configured models and labels        engine       TensorFlow
    metrics      Prometheus numbers                  server       everything together, start to drain
"""

__version__ = "0.1.0"
