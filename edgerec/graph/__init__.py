"""The exported graph: lookup, history, network. The one door to onnx and skl2onnx."""
