//! The owner of one TensorRT object: a pointer that is never null, destroyed by the library it came from.

use std::fmt;
use std::ptr::NonNull;

use tensorrt_sys::{
    Api, IBuilder, IBuilderConfig, ICudaEngine, IEngineInspector, IExecutionContext, IHostMemory, INetworkDefinition,
    IParser, IParserRefitter, IRefitter, IRuntime, IRuntimeCache, IRuntimeConfig, ISerializationConfig, ITimingCache,
    IWeightsManager, Library,
};

/// The entry that deletes an object; none when the library has none.
type Destructor<T> = Option<unsafe extern "C" fn(*mut T)>;

/// A class whose objects users delete.
pub(crate) trait Class: Sized {
    /// The table's entry that deletes an object.
    fn destructor(api: &Api) -> Destructor<Self>;
}

macro_rules! classes {
    ($($class:ident by $destroy:ident;)+) => {
        $(impl Class for $class {
            fn destructor(api: &Api) -> Destructor<Self> {
                api.$destroy
            }
        })+
    };
}

classes! {
    IBuilder by IBuilder_destroy;
    IBuilderConfig by IBuilderConfig_destroy;
    ICudaEngine by ICudaEngine_destroy;
    IEngineInspector by IEngineInspector_destroy;
    IExecutionContext by IExecutionContext_destroy;
    IHostMemory by IHostMemory_destroy;
    INetworkDefinition by INetworkDefinition_destroy;
    IParser by IParser_destroy;
    IParserRefitter by IParserRefitter_destroy;
    IRefitter by IRefitter_destroy;
    IRuntime by IRuntime_destroy;
    IRuntimeCache by IRuntimeCache_destroy;
    IRuntimeConfig by IRuntimeConfig_destroy;
    ISerializationConfig by ISerializationConfig_destroy;
    ITimingCache by ITimingCache_destroy;
    IWeightsManager by IWeightsManager_destroy;
}

/// An object that is deleted with its owner.
pub(crate) struct Raw<T: Class> {
    pointer: NonNull<T>,
    library: Library,
}

// SAFETY: TensorRT's objects have no thread of their own. NVIDIA's developer guide ("Thread Safety"): "the client must serialize access
// to objects from different threads", which Rust's ownership does: a `Raw` is not `Sync`.
unsafe impl<T: Class> Send for Raw<T> {}

impl<T: Class> Raw<T> {
    /// Takes over an object.
    ///
    /// # Safety
    ///
    /// The object is alive, came from this library, belongs to nobody else, and whatever it must not outlive is kept by whoever has the
    /// new owner.
    pub(crate) unsafe fn new(library: &Library, pointer: NonNull<T>) -> Self {
        Raw { pointer, library: library.clone() }
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.pointer.as_ptr()
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }
}

impl<T: Class> Drop for Raw<T> {
    fn drop(&mut self) {
        if let Some(destroy) = T::destructor(self.library.api()) {
            // SAFETY: the object is alive and this is its only owner (`Raw::new`), so it is deleted once and not used again.
            unsafe { destroy(self.pointer.as_ptr()) };
        }
    }
}

impl<T: Class> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:p}", self.pointer)
    }
}

/// Calls a method of a living object that has `library()` and `as_ptr()`: its value, or the error that the library lacks the method.
///
/// The call is made inside the caller's `unsafe` block, which argues why the arguments are what NVIDIA's documentation asks for.
macro_rules! call {
    ($object:expr, $entry:ident($($argument:expr),* $(,)?)) => {{
        let object = &$object;
        match object.library().api().$entry {
            Some(entry) => Ok(entry(object.as_ptr(), $($argument),*)),
            None => Err($crate::error::Error::from(object.library().missing(stringify!($entry)))),
        }
    }};
}
pub(crate) use call;
