"""Published weights, whatever their format, to one ONNX graph each."""
