"""Write the small SavedModels of the conformance suite; run as a script, because it needs TensorFlow.

`python export_models.py OUT` writes OUT/frozen/K (constants only) and OUT/variables/K (weights in variables/), which
multiply by K and say so in every answer.
"""

import os
import sys
from pathlib import Path

FACTORS = range(1, 8)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(out: Path) -> None:
    import tensorflow as tf

    def spec(dtype, *shape, name):
        return tf.TensorSpec(shape, dtype, name=name)

    class Model(tf.Module):
        def __init__(self, factor, frozen):
            super().__init__()
            self.factor = factor
            # Kept out of reach of the checkpoint when frozen: a plain number becomes a constant.
            self.weight = float(factor) if frozen else tf.Variable(float(factor))

        def _version(self, like):
            return tf.fill([tf.shape(like)[0]], self.factor)

        @tf.function(input_signature=[spec(tf.float32, None, 3, name="x")])
        def scale(self, x):
            return {"y": tf.ensure_shape(x, (None, 3)) * self.weight, "factor": self._version(x)}

        @tf.function(input_signature=[spec(tf.float32, None, name="a"), spec(tf.float32, None, name="b")])
        def add(self, a, b):
            return {"sum": tf.ensure_shape(a, (None,)) + tf.ensure_shape(b, (None,))}

        @tf.function(input_signature=[spec(tf.uint8, None, 8, 8, 3, name="image")])
        def convolve(self, image):
            pixels = tf.cast(tf.ensure_shape(image, (None, 8, 8, 3)), tf.float32)
            features = tf.nn.conv2d(pixels, tf.ones((3, 3, 3, 4)), 1, "SAME")
            return {"embedding": tf.reduce_mean(features, (1, 2))}

        @tf.function(input_signature=[spec(tf.string, None, name="query")])
        def describe(self, query):
            rows = tf.shape(query)[0]
            labels = tf.constant(["zoë", f"factor {self.factor}"])
            return {"labels": tf.tile(labels[None, :], (rows, 1))}

        @tf.function(input_signature=[spec(tf.string, None, name="data")])
        def echo(self, data):
            return {"data_bytes": tf.identity(data)}

        @tf.function(input_signature=[spec(tf.float32, None, 3, name="x")])
        def total(self, x):
            return {"total": tf.reduce_sum(x), "y": tf.identity(x)}

        @tf.function
        def types(self, **values):
            return {f"{name}_out": tf.identity(value) for name, value in values.items()}

        @tf.function(input_signature=[spec(tf.int32, name="steps")])
        def slow(self, steps):
            def body(step, matrix):
                return step + 1, tf.linalg.matmul(matrix, matrix) * 0.5

            step, matrix = tf.while_loop(lambda step, _: step < steps, body, (0, tf.eye(96)), parallel_iterations=1)
            return {"steps": step, "trace": tf.linalg.trace(matrix)}

    kinds = {
        "double": tf.float64,
        "int32": tf.int32,
        "int64": tf.int64,
        "uint8": tf.uint8,
        "bool": tf.bool,
        "string": tf.string,
        "half": tf.float16,
    }
    for frozen in (True, False):
        for factor in FACTORS:
            model = Model(factor, frozen)
            signatures = {
                "serving_default": model.scale,
                "add": model.add,
                "convolve": model.convolve,
                "describe": model.describe,
                "echo": model.echo,
                "total": model.total,
                "slow": model.slow,
                "types": model.types.get_concrete_function(
                    **{name: spec(kind, None, name=name) for name, kind in kinds.items()}
                ),
            }
            path = out / ("frozen" if frozen else "variables") / str(factor)
            tf.saved_model.save(model, str(path), signatures=signatures)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
