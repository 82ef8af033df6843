//! The shapes of an inference: set for inputs, inferred for outputs.

use std::ffi::c_char;

use super::ExecutionContext;
use crate::TensorLocation;
use crate::dims::{Dims, ToDims};
use crate::engine::{TensorInfo, TensorSelector};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::text;

impl ExecutionContext {
    /// Sets the shape of an input. Setting the shape that it has already costs nothing.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such input, `ShapeMismatch` if the rank or a fixed extent is another, `ShapeOutOfProfile` if an extent
    /// is not one that the optimization profile allows, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IExecutionContext::setInputShape")]
    pub fn set_input_shape(&mut self, tensor: impl TensorSelector, dims: impl ToDims) -> Result<()> {
        let index = self.engine.tensor_id(tensor)?.index();
        let dims = dims.to_dims()?;
        if self.bindings[index].shape == Some(dims) && self.engine.io_tensors()[index].is_input() {
            return Ok(());
        }
        let info = &self.engine.io_tensors()[index];
        check_input_shape(info, &dims, self.profile)?;
        let raw = dims.to_raw();
        self.engine.device().make_current()?;
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`; name and shape live during the call.
        let taken =
            unsafe { call!(self.raw, IExecutionContext_setInputShape(info.c_name().as_ptr(), &raw const raw)) }?;
        let tried = format_args!("set the shape of {:?} to {dims}", info.name());
        operation.truth(self.engine.library(), ErrorKind::Setting, tried, taken)?;
        self.bindings[index].shape = Some(dims);
        self.bindings[index].values_fit = false;
        self.shapes_known = false;
        Ok(())
    }

    /// Sets the values of an input that is read on the host, because shapes depend on it.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such input, `TypeMismatch` if it has other elements or is read on the device, `ShapeMismatch` if the
    /// number of values is another than that of its shape.
    pub fn set_input_values<T: crate::TensorElement>(
        &mut self,
        tensor: impl TensorSelector,
        values: &[T],
    ) -> Result<()> {
        let index = self.engine.tensor_id(tensor)?.index();
        let info = &self.engine.io_tensors()[index];
        let tried = format!("set the values of {:?}", info.name());
        if info.data_type() != T::DATA_TYPE {
            let said = format!("its elements are {}, not {}", info.data_type().name(), T::DATA_TYPE.name());
            return Err(Error::new(ErrorKind::TypeMismatch, tried, said));
        }
        let expected = self.bindings[index].shape.and_then(|shape| shape.volume());
        if expected != Some(values.len()) {
            let said = format!("{} values for {expected:?}", values.len());
            return Err(Error::new(ErrorKind::ShapeMismatch, tried, said));
        }
        self.set_host_bytes(index, bytemuck::cast_slice(values))
    }

    pub(crate) fn set_host_bytes(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let info = &self.engine.io_tensors()[index];
        let tried = format!("set the values of {:?}", info.name());
        if !info.is_input() || info.location() != TensorLocation::Host {
            let said = "it is not an input that is read on the host";
            return Err(Error::new(ErrorKind::TypeMismatch, tried, said));
        }
        let mut words = vec![0_u64; bytes.len().div_ceil(size_of::<u64>()).max(1)].into_boxed_slice();
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        // An inference in flight may still read the values that these replace.
        self.device_use.synchronize()?;
        let operation = Operation::begin();
        let (name, address) = (info.c_name().as_ptr(), words.as_ptr().cast());
        // SAFETY: the context is alive as long as `self`; the values are as many as the shape has elements, and are kept by the binding
        // until TensorRT is told of others.
        let taken = unsafe { call!(self.raw, IExecutionContext_setInputTensorAddress(name, address)) }?;
        operation.truth(self.engine.library(), ErrorKind::Setting, tried, taken)?;
        self.bindings[index].values = Some(words);
        self.bindings[index].values_fit = true;
        self.shapes_known = false;
        Ok(())
    }

    /// The shape of a tensor in the next inference.
    ///
    /// # Errors
    ///
    /// `MissingInput` naming the inputs that have no shape yet, `ShapeMismatch` if the shapes of the inputs do not fit together.
    #[doc(alias = "nvinfer1::IExecutionContext::getTensorShape")]
    pub fn tensor_shape(&mut self, tensor: impl TensorSelector) -> Result<Dims> {
        let index = self.engine.tensor_id(tensor)?.index();
        if !self.shapes_known {
            self.infer_shapes()?;
        }
        self.bindings[index].shape.ok_or_else(|| {
            let tried = format!("get the shape of {:?}", self.engine.io_tensors()[index].name());
            Error::new(ErrorKind::ShapeMismatch, tried, "it depends on the data: it is known after an inference")
        })
    }

    /// Infers the shapes of all outputs from those of the inputs.
    ///
    /// # Errors
    ///
    /// `MissingInput` naming the inputs that have no shape or values yet, `ShapeMismatch` if the shapes of the inputs do not fit together.
    #[doc(alias = "nvinfer1::IExecutionContext::inferShapes")]
    pub fn infer_shapes(&mut self) -> Result<()> {
        let tried = "infer the shapes";
        let missing = self.missing_inputs();
        if !missing.is_empty() {
            let said = format!("no shape or values were set for {missing:?}");
            return Err(Error::new(ErrorKind::MissingInput, tried, said));
        }
        self.engine.device().make_current()?;
        let mut names: Vec<*const c_char> = vec![std::ptr::null(); self.bindings.len()];
        let capacity = i32::try_from(names.len()).unwrap_or(i32::MAX);
        let operation = Operation::begin();
        // SAFETY: the context is alive as long as `self`; the array has room for as many names as it says.
        let lacking = unsafe { call!(self.raw, IExecutionContext_inferShapes(capacity, names.as_mut_ptr())) }?;
        if lacking > 0 {
            let names = names.iter().filter(|name| !name.is_null());
            // SAFETY: TensorRT returns C strings that live as long as the engine.
            let names: Vec<String> = names.map(|name| unsafe { text(*name) }).collect();
            let said = format!("TensorRT misses the shape or values of {names:?}");
            return Err(Error::new(ErrorKind::MissingInput, tried, said).with_lines(operation.lines()));
        }
        operation.truth(self.engine.library(), ErrorKind::ShapeMismatch, tried, lacking == 0)?;
        for (info, binding) in self.engine.io_tensors().iter().zip(&mut self.bindings) {
            // SAFETY: the context is alive as long as `self`; the name lives during the call.
            let raw = unsafe { call!(self.raw, IExecutionContext_getTensorShape(info.c_name().as_ptr())) }?;
            binding.shape = Dims::from_raw(&raw).filter(|dims| !dims.is_dynamic());
            binding.needed = match &binding.shape {
                Some(dims) => info.bytes(dims)?,
                None => usize::MAX,
            };
        }
        self.shapes_known = true;
        self.sizes_checked = false;
        Ok(())
    }

    /// The bytes that a tensor needs in the next inference; `usize::MAX` where that depends on the data.
    pub(crate) fn bytes_needed(&mut self, index: usize) -> Result<usize> {
        if !self.shapes_known {
            self.infer_shapes()?;
        }
        Ok(self.bindings[index].needed)
    }

    /// The inputs that have no shape or values yet.
    #[must_use]
    pub fn missing_inputs(&self) -> Vec<&str> {
        let all = self.engine.io_tensors().iter().zip(&self.bindings);
        let lacking = all.filter(|(info, binding)| {
            let no_values = info.location() == TensorLocation::Host && !binding.values_fit;
            info.is_input() && (binding.shape.is_none() || no_values)
        });
        lacking.map(|(info, _)| info.name()).collect()
    }

    /// Begins anew, with the shapes that are fixed.
    pub(super) fn forget_shapes(&mut self) {
        for (info, binding) in self.engine.io_tensors().iter().zip(&mut self.bindings) {
            let fixed = Some(info.shape()).filter(|shape| info.is_input() && !shape.is_dynamic());
            binding.values_fit &= fixed.is_some() && binding.shape == fixed;
            binding.shape = fixed;
        }
        self.shapes_known = false;
        self.sizes_checked = false;
    }
}

/// Refuses a shape that an input cannot have.
pub(crate) fn check_input_shape(info: &TensorInfo, dims: &Dims, profile: usize) -> Result<()> {
    let tried = || format!("set the shape of {:?} to {dims}", info.name());
    if !info.is_input() {
        return Err(Error::new(ErrorKind::UnknownName, tried(), "it is an output"));
    }
    let expected = info.shape();
    let fits = dims.len() == expected.len()
        && dims.iter().zip(expected.iter()).all(|(given, fixed)| *given >= 0 && (*fixed < 0 || given == fixed));
    if !fits {
        return Err(Error::new(ErrorKind::ShapeMismatch, tried(), format_args!("the engine takes {expected}")));
    }
    match info.profile_shapes(profile) {
        Some(range) if !range.contains(dims) => {
            let said = format!("optimization profile {profile} allows {} to {}", range.min, range.max);
            Err(Error::new(ErrorKind::ShapeOutOfProfile, tried(), said))
        }
        _ => Ok(()),
    }
}
