//! The emulated device that is current on a thread, as CUDA has a current context.

use std::cell::RefCell;
use std::sync::Weak;

use crate::device::{Device, DeviceInner};

thread_local! {
    static CURRENT: RefCell<Weak<DeviceInner>> = const { RefCell::new(Weak::new()) };
}

/// The emulated device on which a library that is handed no stream allocates: the one last made current on this thread
/// ([`Device::make_current`]), else [`Device::host`].
#[must_use]
#[doc(alias = "cuCtxGetCurrent")]
pub fn current_device() -> Device {
    CURRENT.with_borrow(Device::upgrade).unwrap_or_else(Device::host)
}

/// Makes an emulated device current on this thread; it is not kept alive.
pub(crate) fn set_current_device(device: &Device) {
    CURRENT.with_borrow_mut(|current| *current = device.downgrade());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostOptions;

    #[test]
    fn a_thread_has_its_own_current_device_until_that_is_dropped() {
        let device = Device::host_with(HostOptions::new().with_name("mine"));
        device.make_current().unwrap();
        assert_eq!(current_device().name(), "mine");
        std::thread::spawn(|| assert_ne!(current_device().name(), "mine")).join().unwrap();
        drop(device);
        assert_ne!(current_device().name(), "mine");
    }
}
