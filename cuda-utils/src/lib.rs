//! CUDA devices, streams, events and buffers that stay sound when dropped early, on a GPU or on an emulated host device.
