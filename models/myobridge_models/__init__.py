"""The training side of myobridge: recordings in, an .onnx model file out. It needs torch; the daemon does not."""
