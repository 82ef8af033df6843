//! Which TensorRT does the work, and on what.

use std::path::Path;

use tensorrt::{Device, Engine, Library, Plan, Runtime};

use crate::failure::{Failure, Result};
use crate::options::LibraryOptions;

/// A library, and the device that its engines run on.
#[derive(Debug)]
pub(crate) struct Machine {
    library: Library,
    /// What became of opening the device: building does not always need one.
    device: std::result::Result<Device, cuda_utils::Error>,
}

impl Machine {
    /// Opens what the options name: the emulator, a library of a path, or the one that is found.
    pub(crate) fn open(options: &LibraryOptions) -> Result<Self> {
        if options.emulate {
            if options.device != 0 {
                return Err(Failure::usage(
                    format_args!("--device={}", options.device),
                    "there is one emulated device",
                ));
            }
            return Ok(Self { library: tensorrt_emulator::library(), device: Ok(Device::host()) });
        }
        let library = match &options.lib {
            Some(path) => Library::load_from(path),
            None => Library::load(),
        };
        let library = library.map_err(tensorrt::Error::from)?;
        let device = Device::cuda(options.device);
        match &device {
            Ok(device) => device.make_current()?,
            Err(error) => log::info!("{error}"),
        }
        Ok(Self { library, device })
    }

    /// The library.
    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// Puts an engine on the device.
    pub(crate) fn deserialize(&self, plan: &Plan) -> Result<Engine> {
        Ok(self.runtime()?.deserialize(plan)?)
    }

    /// Puts the engine of a plan file on the device.
    pub(crate) fn deserialize_file(&self, path: &Path) -> Result<Engine> {
        Ok(self.runtime()?.deserialize_file(path)?)
    }

    fn runtime(&self) -> Result<Runtime> {
        let device =
            self.device.as_ref().map_err(|error| Failure::from(error.clone()).trying("put the engine on the GPU"))?;
        Ok(Runtime::with_device(&self.library, device)?)
    }
}
