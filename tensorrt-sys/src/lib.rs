//! The function table of NVIDIA TensorRT: a C++ shim for four ABI families, generated from fact tables, and the loader that fills it.
