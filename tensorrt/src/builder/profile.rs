//! The ranges of shapes that an engine is built for.

use std::ptr::NonNull;

use cuda_utils::Stream;
use tensorrt_sys::IOptimizationProfile;

use super::Builder;
use crate::OptProfileSelector::{Max, Min, Opt};
use crate::dims::{Dims, ToDims};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::value::{Value, c_string};

/// The smallest, the usual and the largest shape of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeRange {
    /// The smallest shape that the engine takes.
    pub min: Dims,
    /// The shape that it is made fast for.
    pub opt: Dims,
    /// The largest shape that it takes.
    pub max: Dims,
}

impl ShapeRange {
    /// A range from its three shapes.
    #[must_use]
    pub fn new(min: Dims, opt: Dims, max: Dims) -> Self {
        ShapeRange { min, opt, max }
    }

    /// Whether the range holds a shape.
    #[must_use]
    pub fn contains(&self, dims: &Dims) -> bool {
        dims.len() == self.min.len()
            && dims.len() == self.max.len()
            && dims.iter().zip(self.min.iter().zip(self.max.iter())).all(|(at, (min, max))| (min..=max).contains(&at))
    }

    fn is_in_order(&self) -> bool {
        self.min.len() == self.max.len() && self.contains(&self.opt) && self.min.iter().all(|extent| *extent >= 0)
    }
}

/// A range of shapes for every dynamic input, and of values for every input that is itself a shape.
///
/// It is plain data: [`BuilderConfig::add_optimization_profile`](super::BuilderConfig::add_optimization_profile) hands it to TensorRT.
///
/// ```
/// use tensorrt::OptimizationProfile;
///
/// # fn main() -> tensorrt::Result<()> {
/// let profile = OptimizationProfile::new().input("image", [1, 3, 224, 224], [8, 3, 224, 224], [32, 3, 224, 224])?;
/// assert_eq!(profile.range("image").unwrap().opt[0], 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[doc(alias = "nvinfer1::IOptimizationProfile")]
pub struct OptimizationProfile {
    inputs: Vec<(String, ShapeRange)>,
    values: Vec<(String, [Vec<i64>; 3])>,
    extra_memory_target: Option<f32>,
    stream: Option<Stream>,
}

impl OptimizationProfile {
    /// A profile without ranges.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a range for an input, instead of an earlier one.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the shapes differ in rank, are dynamic, or are not in order.
    #[doc(alias = "nvinfer1::IOptimizationProfile::setDimensions")]
    pub fn input(mut self, name: &str, min: impl ToDims, opt: impl ToDims, max: impl ToDims) -> Result<Self> {
        let range = ShapeRange { min: min.to_dims()?, opt: opt.to_dims()?, max: max.to_dims()? };
        if !range.is_in_order() {
            let said = format!("{} <= {} <= {} does not hold for every dimension", range.min, range.opt, range.max);
            return Err(Error::invalid(format_args!("use a range of shapes for {name:?}"), said));
        }
        self.inputs.retain(|(known, _)| known != name);
        self.inputs.push((name.to_owned(), range));
        Ok(self)
    }

    /// With a range of values for an input that is a shape, instead of an earlier one.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the numbers of values differ, or they are not in order.
    #[doc(alias = "nvinfer1::IOptimizationProfile::setShapeValuesV2")]
    pub fn shape_values(mut self, name: &str, min: &[i64], opt: &[i64], max: &[i64]) -> Result<Self> {
        let in_order = min.len() == opt.len()
            && opt.len() == max.len()
            && opt.iter().zip(min.iter().zip(max)).all(|(opt, (min, max))| (min..=max).contains(&opt));
        if !in_order {
            let said = format!("{min:?} <= {opt:?} <= {max:?} does not hold for every value");
            return Err(Error::invalid(format_args!("use a range of shape values for {name:?}"), said));
        }
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), [min.to_vec(), opt.to_vec(), max.to_vec()]));
        Ok(self)
    }

    /// With a target for extra memory, as a fraction from 0 to 1.
    #[must_use]
    #[doc(alias = "nvinfer1::IOptimizationProfile::setExtraMemoryTarget")]
    pub fn extra_memory_target(mut self, fraction: f32) -> Self {
        self.extra_memory_target = Some(fraction);
        self
    }

    /// With the stream on which tactics of this profile are timed. TensorRT 11.4 and RTX 1.7.
    #[must_use]
    #[doc(alias = "nvinfer1::IOptimizationProfile::setProfileStream")]
    pub fn profile_stream(mut self, stream: &Stream) -> Self {
        self.stream = Some(stream.clone());
        self
    }

    /// The range of an input.
    #[must_use]
    pub fn range(&self, name: &str) -> Option<&ShapeRange> {
        self.inputs.iter().find(|(known, _)| known == name).map(|(_, range)| range)
    }

    /// The names of the inputs that have a range of shapes or values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|(name, _)| name.as_str()).chain(self.values.iter().map(|(name, _)| name.as_str()))
    }

    pub(super) fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    /// The profile as an object that belongs to the builder.
    pub(super) fn create(&self, builder: &Builder) -> Result<NonNull<IOptimizationProfile>> {
        let library = builder.library();
        let operation = Operation::begin();
        // SAFETY: the builder is alive.
        let made = unsafe { crate::raw::call!(builder.raw(), IBuilder_createOptimizationProfile()) }?;
        let pointer = operation.object(library, ErrorKind::Setting, "create an optimization profile", made)?;
        let object = Object { pointer, builder };
        for (name, range) in &self.inputs {
            for (selector, dims) in [(Min, range.min), (Opt, range.opt), (Max, range.max)] {
                object.set_dimensions(name, selector, dims)?;
            }
        }
        for (name, [min, opt, max]) in &self.values {
            for (selector, values) in [(Min, min), (Opt, opt), (Max, max)] {
                object.set_values(name, selector, values)?;
            }
        }
        object.set_rest(self)?;
        Ok(pointer)
    }
}

/// A profile that belongs to a builder.
struct Object<'b> {
    pointer: NonNull<IOptimizationProfile>,
    builder: &'b Builder,
}

impl Object<'_> {
    fn library(&self) -> &tensorrt_sys::Library {
        self.builder.library()
    }

    fn as_ptr(&self) -> *mut IOptimizationProfile {
        self.pointer.as_ptr()
    }

    fn set_dimensions(&self, name: &str, selector: crate::OptProfileSelector, dims: Dims) -> Result<()> {
        let (string, raw) = (c_string("use the input", name)?, dims.to_raw());
        let selector_raw = selector.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: the profile is alive as long as its builder; name and shape live during the call.
        let taken = unsafe {
            crate::raw::call!(self, IOptimizationProfile_setDimensions(string.as_ptr(), selector_raw, &raw const raw))
        }?;
        let tried = format!("set {} of {name:?} to {dims} in an optimization profile", selector.name());
        operation.truth(self.library(), ErrorKind::Setting, tried, taken)
    }

    fn set_values(&self, name: &str, selector: crate::OptProfileSelector, values: &[i64]) -> Result<()> {
        let string = c_string("use the input", name)?;
        let tried =
            format!("set {} of the values of {name:?} to {values:?} in an optimization profile", selector.name());
        let count = i32::try_from(values.len()).map_err(|_| Error::invalid(&tried, "there are too many"))?;
        let selector = selector.cross(self.library())?;
        let operation = Operation::begin();
        let taken = if self.library().api().IOptimizationProfile_setShapeValuesV2.is_some() {
            // SAFETY: the profile is alive as long as its builder; name and values live during the call, and `count` is their number.
            unsafe {
                crate::raw::call!(
                    self,
                    IOptimizationProfile_setShapeValuesV2(string.as_ptr(), selector, values.as_ptr(), count)
                )
            }?
        } else {
            let narrow = values.iter().map(|value| i32::try_from(*value)).collect::<Result<Vec<i32>, _>>();
            let said = "releases before 10.11 take values of 32 bits";
            let narrow = narrow.map_err(|_| Error::invalid(&tried, said))?;
            // SAFETY: as above.
            unsafe {
                crate::raw::call!(
                    self,
                    IOptimizationProfile_setShapeValues(string.as_ptr(), selector, narrow.as_ptr(), count)
                )
            }?
        };
        operation.truth(self.library(), ErrorKind::Setting, tried, taken)
    }

    fn set_rest(&self, profile: &OptimizationProfile) -> Result<()> {
        if let Some(target) = profile.extra_memory_target {
            let operation = Operation::begin();
            // SAFETY: the profile is alive as long as its builder.
            let taken = unsafe { crate::raw::call!(self, IOptimizationProfile_setExtraMemoryTarget(target)) }?;
            operation.truth(
                self.library(),
                ErrorKind::Setting,
                format_args!("set the extra memory to {target}"),
                taken,
            )?;
        }
        if let Some(stream) = &profile.stream {
            // SAFETY: profile and stream are alive; the configuration that the profile is added to keeps the stream.
            unsafe { crate::raw::call!(self, IOptimizationProfile_setProfileStream(stream.as_raw())) }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::OptimizationProfile;

    #[test]
    fn ranges_must_be_in_order() {
        let profile = OptimizationProfile::new().input("x", [1, 3], [4, 3], [8, 3]).unwrap();
        assert!(profile.range("x").unwrap().contains(&[8, 3].into()));
        assert!(!profile.range("x").unwrap().contains(&[9, 3].into()));
        assert!(!profile.range("x").unwrap().contains(&[8, 3, 1].into()));
        let error = OptimizationProfile::new().input("x", [4, 3], [2, 3], [8, 3]).unwrap_err();
        assert!(error.to_string().contains("[4, 3] <= [2, 3] <= [8, 3]"), "{error}");
        assert!(OptimizationProfile::new().input("x", [1], [1, 3], [1, 3]).is_err());
        assert!(OptimizationProfile::new().input("x", [-1], [1], [1]).is_err());
        assert!(OptimizationProfile::new().shape_values("s", &[1], &[2], &[1]).is_err());
    }
}
