//! The emulated device behaves as a GPU does where a program can tell.
#![expect(clippy::unwrap_used, reason = "in tests, helpers included, a failure is to be seen at once")]

use std::sync::mpsc;
use std::time::Duration;

use cuda_utils::{Device, HostOptions, Stream};

mod completion;
mod device;
mod event;
mod faults;
mod graph;
mod memory;
mod raw;
mod shared_use;
mod stream;

fn device() -> Device {
    Device::host_with(HostOptions::new())
}

/// Holds a stream up until opened or dropped.
struct Gate(Option<mpsc::Sender<()>>);

impl Gate {
    fn on(stream: &Stream) -> Gate {
        let (sender, receiver) = mpsc::channel();
        stream
            .launch_host(move || {
                let _ = receiver.recv();
            })
            .unwrap();
        Gate(Some(sender))
    }

    fn open(self) {}

    /// Opens from another thread, a little later.
    fn open_later(mut self) -> std::thread::JoinHandle<()> {
        let sender = self.0.take();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            drop(sender);
        })
    }
}
