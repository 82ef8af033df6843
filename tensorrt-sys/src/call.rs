//! Calling an entry of the table.

/// Calls an entry of a library's table: `Ok` with what it returns, or [`MissingMethod`](crate::MissingMethod) when the
/// library lacks it.
///
/// The call happens in the caller's `unsafe` block; what must hold is what NVIDIA's documentation asks of the method, and
/// that every pointer to an object came from this library and is still alive.
///
/// ```
/// use tensorrt_sys::{Api, Family, IBuilder, Info, Library, Version, call};
///
/// unsafe extern "C" fn max_threads(_builder: *mut IBuilder) -> i32 {
///     4
/// }
///
/// let api = Api { IBuilder_getMaxThreads: Some(max_threads), ..Api::empty() };
/// let library = Library::from_api(api, Info::emulated(Family::Trt11, Version::new(11, 4, 0)));
/// let builder = std::ptr::null_mut();
/// // SAFETY: this table's function does not look at the builder.
/// assert_eq!(unsafe { call!(library, IBuilder_getMaxThreads(builder)) }, Ok(4));
/// // SAFETY: as above.
/// let error = unsafe { call!(library, IBuilder_reset(builder)) }.unwrap_err();
/// assert_eq!(error.method(), "IBuilder::reset");
/// ```
#[macro_export]
macro_rules! call {
    ($library:expr, $entry:ident($($argument:expr),* $(,)?)) => {{
        let library = &$library;
        match library.api().$entry {
            ::core::option::Option::Some(entry) => ::core::result::Result::Ok(entry($($argument),*)),
            ::core::option::Option::None => {
                ::core::result::Result::Err(library.missing(::core::stringify!($entry)))
            }
        }
    }};
}
