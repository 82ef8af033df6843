//! Memory for outputs whose size only the inference knows.

use std::ffi::{c_char, c_void};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cuda_utils::{Device, DeviceMemory};
use tensorrt_sys::{IOutputAllocator, IOutputAllocatorFns, Library};

use super::object::{Object, state};
use super::panic::contain;
use crate::dims::Dims;
use crate::error::Result;

/// How often memory is referred to when nobody but its context uses it: by the allocator, the binding and the record of uses.
const OWN_REFERENCES: usize = 3;

/// What the C functions reach.
#[derive(Debug)]
struct State {
    device: Device,
    memory: Option<Arc<DeviceMemory>>,
    shape: Option<Dims>,
    error: Option<cuda_utils::Error>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Memory of at least `size` bytes: what there is, if that is large enough and nobody holds it, else new memory.
    fn reallocate(&mut self, size: usize) -> cuda_utils::Result<NonNull<c_void>> {
        let reusable =
            |memory: &Arc<DeviceMemory>| memory.bytes() >= size && Arc::strong_count(memory) <= OWN_REFERENCES;
        let memory = match self.memory.take().filter(reusable) {
            Some(memory) => memory,
            None => DeviceMemory::alloc(&self.device, size.max(1))?,
        };
        let address = NonNull::new(memory.as_device_ptr());
        self.memory = Some(memory);
        address.ok_or_else(|| cuda_utils::Error::new(cuda_utils::ErrorKind::OutOfMemory, "allocate an output: null"))
    }
}

unsafe extern "C" fn reallocate(
    user: *mut c_void,
    _tensor: *const c_char,
    _current: *mut c_void,
    size: u64,
    _alignment: u64,
    _stream: *mut c_void,
) -> *mut c_void {
    // SAFETY: TensorRT calls an allocator only while it is set, and the context that has it set keeps it.
    let state = unsafe { state::<Mutex<State>>(user) };
    contain(std::ptr::null_mut(), || {
        let mut state = lock(state);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        match state.reallocate(size) {
            Ok(address) => address.as_ptr(),
            Err(error) => {
                state.error = Some(error);
                std::ptr::null_mut()
            }
        }
    })
}

unsafe extern "C" fn notify(user: *mut c_void, _tensor: *const c_char, shape: *const tensorrt_sys::Dims) {
    // SAFETY: as in `reallocate`.
    let state = unsafe { state::<Mutex<State>>(user) };
    // SAFETY: TensorRT passes dimensions that live during the call.
    let shape = unsafe { shape.as_ref() }.and_then(Dims::from_raw);
    contain((), || lock(state).shape = shape);
}

/// The object that TensorRT asks for the memory of one output. Memory is aligned to 256 bytes, as TensorRT wants it.
#[derive(Debug)]
pub(crate) struct OutputAllocator(Object<IOutputAllocator, Mutex<State>>);

impl OutputAllocator {
    pub(crate) fn new(library: &Library, device: &Device) -> Result<Self> {
        let functions = IOutputAllocatorFns { reallocateOutputAsync: Some(reallocate), notifyShape: Some(notify) };
        let entries = (library.api().IOutputAllocator_new, library.api().IOutputAllocator_delete);
        let state = Mutex::new(State { device: device.clone(), memory: None, shape: None, error: None });
        // SAFETY: the entries are the library's for the interface, and the functions take the state.
        unsafe { Object::new(library, "IOutputAllocator_new", entries, &functions, state) }.map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut IOutputAllocator {
        self.0.as_ptr()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(self.0.state())
    }

    /// The memory that was given out last, and the shape of the newest inference's output, once that is known.
    pub(crate) fn output(&self) -> Option<(Arc<DeviceMemory>, Option<Dims>)> {
        let state = self.state();
        Some((state.memory.clone()?, state.shape))
    }

    /// Forgets the shape of the inference before.
    pub(crate) fn forget_shape(&self) {
        self.state().shape = None;
    }

    /// Why memory was refused, once.
    pub(crate) fn take_error(&self) -> Option<cuda_utils::Error> {
        self.state().error.take()
    }
}
