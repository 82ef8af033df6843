//! Builds, inspects and times TensorRT engines from the command line, on a GPU or in emulation.

fn main() {}
