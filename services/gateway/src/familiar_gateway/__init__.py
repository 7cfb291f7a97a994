"""The gateway: HTTP in, faces found and judged here, names asked of TensorFlow Serving, the truth in the database."""
