"""The bytes exchanged with a model server: messages, tensors and warm-up records, without TensorFlow."""
