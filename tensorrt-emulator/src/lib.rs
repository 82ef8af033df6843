//! A CPU emulation of TensorRT behind the same function table: it computes the right answers without a GPU.
