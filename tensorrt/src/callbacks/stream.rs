//! Plans read from a reader, and written to a writer.

use std::ffi::c_void;
use std::io::{self, ErrorKind as IoErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cuda_utils::Device;
use tensorrt_sys::{IStreamReaderV2, IStreamReaderV2Fns, IStreamWriter, IStreamWriterFns, Library};

use super::object::{Object, state};
use super::panic::contain;
use crate::error::Result;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream, and the first error that it had.
struct State<T> {
    stream: T,
    device: Option<Device>,
    error: Option<io::Error>,
}

impl<T> State<T> {
    fn new(stream: T, device: Option<&Device>) -> Mutex<Self> {
        Mutex::new(State { stream, device: device.cloned(), error: None })
    }

    /// Keeps an error; what came of the call otherwise.
    fn keep<R>(&mut self, outcome: io::Result<R>) -> Option<R> {
        outcome.map_err(|error| self.error.get_or_insert(error).kind()).ok()
    }
}

/// What plans are written to.
type Writing<'w> = Mutex<State<&'w mut (dyn Write + Send)>>;

unsafe extern "C" fn write(user: *mut c_void, data: *const c_void, size: i64) -> i64 {
    // SAFETY: TensorRT calls a writer only during the build that it was given to, which it outlives.
    let state = unsafe { state::<Writing<'_>>(user) };
    let Some(length) = usize::try_from(size).ok().filter(|&length| length > 0 && !data.is_null()) else { return 0 };
    // SAFETY: TensorRT passes `size` readable bytes.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
    contain(-1, || {
        let mut state = lock(state);
        let outcome = state.stream.write_all(bytes);
        state.keep(outcome).map_or(-1, |()| size)
    })
}

/// The object that TensorRT writes a plan to.
#[derive(Debug)]
pub(crate) struct StreamWriter<'w>(Object<IStreamWriter, Writing<'w>>);

impl<'w> StreamWriter<'w> {
    pub(crate) fn new(library: &Library, writer: &'w mut (dyn Write + Send)) -> Result<Self> {
        let functions = IStreamWriterFns { write: Some(write) };
        let entries = (library.api().IStreamWriter_new, library.api().IStreamWriter_delete);
        let state = State::new(writer, None);
        // SAFETY: the entries are the library's for the interface, and the function takes the state.
        unsafe { Object::new(library, "IStreamWriter_new", entries, &functions, state) }.map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut IStreamWriter {
        self.0.as_ptr()
    }

    /// The first error of the writer.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        lock(self.0.state()).error.take()
    }
}

/// What plans are read from.
pub(crate) trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

type Reading<'r> = Mutex<State<&'r mut dyn Source>>;

impl State<&mut dyn Source> {
    /// Reads until the buffer is full or the stream ends.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Reads to host or device memory.
    ///
    /// # Safety
    ///
    /// `length` bytes can be written at the destination, by the host or, if it is on the device, by a copy on the stream.
    unsafe fn read_to(&mut self, destination: *mut c_void, length: usize, stream: *mut c_void) -> io::Result<usize> {
        let on_device = match &self.device {
            Some(device) => device.holds(destination).map_err(io::Error::other)?,
            None => false,
        };
        if !on_device {
            // SAFETY: the caller vouches for the bytes, and they are the host's; zeros are written first, so that they are initialised.
            unsafe { std::ptr::write_bytes(destination.cast::<u8>(), 0, length) };
            // SAFETY: as above.
            return self.fill(unsafe { std::slice::from_raw_parts_mut(destination.cast::<u8>(), length) });
        }
        let Some(device) = self.device.clone() else { return Ok(0) };
        let mut bytes = vec![0; length];
        let filled = self.fill(&mut bytes)?;
        // SAFETY: the caller vouches for the destination and the stream.
        unsafe { device.write_raw(destination, &bytes[..filled], stream) }.map_err(io::Error::other)?;
        Ok(filled)
    }
}

unsafe extern "C" fn read(user: *mut c_void, destination: *mut c_void, size: i64, stream: *mut c_void) -> i64 {
    // SAFETY: TensorRT calls a reader only during the call that it was given to, which it outlives.
    let state = unsafe { state::<Reading<'_>>(user) };
    let Some(length) = usize::try_from(size).ok().filter(|_| !destination.is_null()) else { return -1 };
    contain(-1, || {
        let mut state = lock(state);
        // SAFETY: TensorRT passes memory with room for `size` bytes.
        let outcome = unsafe { state.read_to(destination, length, stream) };
        state.keep(outcome).and_then(|filled| i64::try_from(filled).ok()).unwrap_or(-1)
    })
}

unsafe extern "C" fn seek(user: *mut c_void, offset: i64, whence: i32) -> bool {
    // SAFETY: as in `read`.
    let state = unsafe { state::<Reading<'_>>(user) };
    contain(false, || {
        let mut state = lock(state);
        // The numbers of `SeekPosition` are the same in every family.
        let position = match whence {
            0 => u64::try_from(offset).map(SeekFrom::Start).map_err(io::Error::other),
            1 => Ok(SeekFrom::Current(offset)),
            2 => Ok(SeekFrom::End(offset)),
            other => Err(io::Error::other(format!("{other} is no seek position"))),
        };
        let outcome = position.and_then(|position| state.stream.seek(position));
        state.keep(outcome).is_some()
    })
}

/// The object that TensorRT reads a plan from.
#[derive(Debug)]
pub(crate) struct StreamReader<'r>(Object<IStreamReaderV2, Reading<'r>>);

impl<'r> StreamReader<'r> {
    pub(crate) fn new(library: &Library, device: &Device, reader: &'r mut dyn Source) -> Result<Self> {
        let functions = IStreamReaderV2Fns { read: Some(read), seek: Some(seek) };
        let entries = (library.api().IStreamReaderV2_new, library.api().IStreamReaderV2_delete);
        let state = State::new(reader, Some(device));
        // SAFETY: the entries are the library's for the interface, and the functions take the state.
        unsafe { Object::new(library, "IStreamReaderV2_new", entries, &functions, state) }.map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut IStreamReaderV2 {
        self.0.as_ptr()
    }

    /// The first error of the reader.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        lock(self.0.state()).error.take()
    }
}
