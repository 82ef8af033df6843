//! Memory for outputs whose size only the inference knows.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cuda_utils::{Device, DeviceMemory};
use tensorrt_sys::{IOutputAllocator, IOutputAllocatorFns, Library};

use super::panic::contain;
use crate::dims::Dims;
use crate::error::{Error, ErrorKind, Result};

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
    // SAFETY: `user` is the state that `OutputAllocator::new` leaked; the object that calls this is deleted before the state is freed.
    let state = unsafe { &*user.cast_const().cast::<Mutex<State>>() };
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
    let state = unsafe { &*user.cast_const().cast::<Mutex<State>>() };
    // SAFETY: TensorRT passes dimensions that live during the call.
    let shape = unsafe { shape.as_ref() }.and_then(Dims::from_raw);
    contain((), || lock(state).shape = shape);
}

/// The object that TensorRT asks for the memory of one output. Memory is aligned to 256 bytes, as TensorRT wants it.
pub(crate) struct OutputAllocator {
    object: NonNull<IOutputAllocator>,
    /// Made by `Box::leak`, freed in `drop`.
    state: NonNull<Mutex<State>>,
    library: Library,
}

// SAFETY: the state is a mutex over a `Send` value, the object only calls it, and both are only touched through references of their owner
// or by TensorRT during a call of the context that has them set.
unsafe impl Send for OutputAllocator {}

impl OutputAllocator {
    pub(crate) fn new(library: &Library, device: &Device) -> Result<Self> {
        let functions = IOutputAllocatorFns { reallocateOutputAsync: Some(reallocate), notifyShape: Some(notify) };
        let Some(new) = library.api().IOutputAllocator_new else {
            return Err(library.missing("IOutputAllocator_new").into());
        };
        let state = State { device: device.clone(), memory: None, shape: None, error: None };
        let state = NonNull::from(Box::leak(Box::new(Mutex::new(state))));
        // SAFETY: the functions are copied; the user pointer is what they ask for, and lives until the object is deleted in `drop`.
        let made = unsafe { new(&raw const functions, state.as_ptr().cast()) };
        let Some(object) = NonNull::new(made) else {
            // SAFETY: the state was leaked above, and nobody else knows of it.
            drop(unsafe { Box::from_raw(state.as_ptr()) });
            return Err(Error::new(ErrorKind::OutOfMemory, "create an output allocator", "none was made"));
        };
        Ok(Self { object, state, library: library.clone() })
    }

    pub(crate) fn as_ptr(&self) -> *mut IOutputAllocator {
        self.object.as_ptr()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // SAFETY: the state lives until `drop`, and is a mutex.
        lock(unsafe { self.state.as_ref() })
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

impl Drop for OutputAllocator {
    fn drop(&mut self) {
        if let Some(delete) = self.library.api().IOutputAllocator_delete {
            // SAFETY: the object is this value's own; the context that had it set was destroyed before this.
            unsafe { delete(self.object.as_ptr()) };
        }
        // SAFETY: the state was leaked in `new`, the object that called it is gone, and it is freed once.
        drop(unsafe { Box::from_raw(self.state.as_ptr()) });
    }
}

impl fmt::Debug for OutputAllocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputAllocator").field("output", &self.output()).finish_non_exhaustive()
    }
}
