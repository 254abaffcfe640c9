"""The training side of myobridge: recordings in, an .onnx model file out. Needs torch; the daemon does not."""
