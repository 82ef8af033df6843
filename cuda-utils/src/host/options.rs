//! How an emulated device is made.

/// Options of an emulated device; see [`Device::host_with`](crate::Device::host_with).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HostOptions {
    /// The name that [`Device::name`](crate::Device::name) gives.
    pub name: String,
    /// The most device memory that may be allocated at a time, in bytes; `None` for what the host has. Pinned memory does not count.
    pub memory_limit: Option<u64>,
}

impl HostOptions {
    /// The options of [`Device::host`](crate::Device::host): no memory limit.
    #[must_use]
    pub fn new() -> Self {
        HostOptions { name: "Emulated device".to_owned(), memory_limit: None }
    }

    /// Sets the device's name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Limits the device's memory, in bytes: an allocation beyond it fails as on a GPU that is full.
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }
}

impl Default for HostOptions {
    fn default() -> Self {
        HostOptions::new()
    }
}
