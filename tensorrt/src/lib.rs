//! Safe, asynchronous NVIDIA TensorRT: build engines from ONNX, run them, test without a GPU.
