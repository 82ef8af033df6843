//! What an inference computed.

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use tensorrt_sys::DataType;

use crate::dims::Dims;
use crate::element::TensorElement;
use crate::error::{Error, ErrorKind, Result};

/// The outputs of an inference, in the engine's order.
#[derive(Debug)]
pub struct Outputs<'s> {
    tensors: Vec<Output<'s>>,
}

#[derive(Debug)]
struct Output<'s> {
    name: String,
    data_type: DataType,
    shape: Dims,
    data: Data<'s>,
}

/// Bytes, aligned for every element type.
#[derive(Debug)]
enum Data<'s> {
    /// Pinned memory of the session.
    Borrowed(&'s [u8]),
    /// Whole words and the number of bytes.
    Owned(Vec<u64>, usize),
}

impl Data<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Data::Borrowed(bytes) => bytes,
            Data::Owned(words, length) => &bytemuck::cast_slice(words)[..*length],
        }
    }

    fn owned(bytes: &[u8]) -> Data<'static> {
        let mut words = vec![0_u64; bytes.len().div_ceil(size_of::<u64>())];
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Data::Owned(words, bytes.len())
    }
}

impl<'s> Outputs<'s> {
    pub(super) fn new() -> Self {
        Outputs { tensors: Vec::new() }
    }

    pub(super) fn push(&mut self, name: &str, data_type: DataType, shape: Dims, bytes: &'s [u8]) {
        self.tensors.push(Output { name: name.to_owned(), data_type, shape, data: Data::Borrowed(bytes) });
    }

    pub(super) fn push_owned(&mut self, name: &str, data_type: DataType, shape: Dims, bytes: &[u8]) {
        self.tensors.push(Output { name: name.to_owned(), data_type, shape, data: Data::owned(bytes) });
    }

    /// The names of the outputs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|output| output.name.as_str())
    }

    fn find(&self, name: &str) -> Result<&Output<'s>> {
        self.tensors.iter().find(|output| output.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            Error::new(
                ErrorKind::UnknownName,
                format_args!("find the output {name:?}"),
                format_args!("there are {names:?}"),
            )
        })
    }

    /// The shape of an output.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output.
    pub fn shape(&self, name: &str) -> Result<Dims> {
        self.find(name).map(|output| output.shape)
    }

    /// The element type of an output.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output.
    pub fn data_type(&self, name: &str) -> Result<DataType> {
        self.find(name).map(|output| output.data_type)
    }

    /// The bytes of an output, in C order.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output.
    pub fn bytes(&self, name: &str) -> Result<&[u8]> {
        self.find(name).map(|output| output.data.bytes())
    }

    /// An output as an array, without a copy.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output, `TypeMismatch` if it has other elements.
    pub fn view<T: TensorElement>(&self, name: &str) -> Result<ArrayViewD<'_, T>> {
        let output = self.find(name)?;
        let tried = || format!("read the output {name:?} as {}", std::any::type_name::<T>());
        if output.data_type != T::DATA_TYPE {
            let said = format!("its elements are {}", output.data_type.name());
            return Err(Error::new(ErrorKind::TypeMismatch, tried(), said));
        }
        let elements = bytemuck::checked::try_cast_slice::<u8, T>(output.data.bytes());
        let elements = elements.map_err(|error| {
            Error::new(ErrorKind::UnknownValue, tried(), format_args!("it holds no such values: {error}"))
        })?;
        let shape = output.shape.to_usize().unwrap_or_default();
        ArrayViewD::from_shape(IxDyn(&shape), elements)
            .map_err(|error| Error::new(ErrorKind::ShapeMismatch, tried(), &error).with_source(error))
    }

    /// A copy of an output as an array.
    ///
    /// # Errors
    ///
    /// `UnknownName` if there is no such output, `TypeMismatch` if it has other elements.
    pub fn array<T: TensorElement>(&self, name: &str) -> Result<ArrayD<T>> {
        self.view(name).map(|view| view.to_owned())
    }

    /// The outputs copied out of the session.
    #[must_use]
    pub fn into_owned(self) -> Outputs<'static> {
        let own = |output: Output<'s>| Output {
            data: match output.data {
                Data::Borrowed(bytes) => Data::owned(bytes),
                Data::Owned(words, length) => Data::Owned(words, length),
            },
            name: output.name,
            data_type: output.data_type,
            shape: output.shape,
        };
        Outputs { tensors: self.tensors.into_iter().map(own).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::Outputs;
    use crate::{DataType, ErrorKind};

    #[test]
    fn outputs_are_read_by_name_and_type() {
        let mut outputs = Outputs::new();
        outputs.push_owned("y", DataType::Float, [1, 2].into(), bytemuck::cast_slice(&[1.5_f32, 2.5]));
        outputs.push_owned("b", DataType::Bool, [2].into(), &[1, 2]);
        assert_eq!(outputs.array::<f32>("y").unwrap().as_slice(), Some(&[1.5, 2.5][..]));
        assert_eq!(outputs.view::<i32>("y").unwrap_err().kind(), ErrorKind::TypeMismatch);
        assert_eq!(outputs.view::<f32>("z").unwrap_err().kind(), ErrorKind::UnknownName);
        assert_eq!(outputs.view::<bool>("b").unwrap_err().kind(), ErrorKind::UnknownValue);
    }
}
