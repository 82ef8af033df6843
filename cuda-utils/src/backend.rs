//! The two kinds of device behind every type of this crate.

use std::sync::Arc;

use crate::cuda;
use crate::error::Deferred;
use crate::host::HostDevice;

/// What a device runs on. Cheap to clone; it does not keep a [`Device`](crate::Device) alive, only what its handles need.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    /// A GPU, through the CUDA driver.
    Cuda(Arc<cuda::Context>),
    /// The emulated device, on the host's own memory and threads.
    Host(Arc<HostDevice>),
}

impl Backend {
    pub(crate) fn deferred(&self) -> &Deferred {
        match self {
            Backend::Cuda(context) => context.deferred(),
            Backend::Host(device) => device.deferred(),
        }
    }
}
