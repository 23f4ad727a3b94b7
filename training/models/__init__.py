"""Networks, as torch modules: what is trained here and exported to ONNX."""
