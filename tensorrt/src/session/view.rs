//! The arrays that a session takes.

use std::borrow::Cow;

use ndarray::{Array, ArrayView, Dimension};
use tensorrt_sys::DataType;

use crate::dims::{Dims, ToDims};
use crate::element::TensorElement;
use crate::error::Result;

/// An array as the input of an inference. Every `ndarray` array or view of a [`TensorElement`] becomes one; inputs of several element types
/// in one call are written `("ids", TensorView::from(&ids))`.
#[derive(Debug, Clone)]
pub struct TensorView<'a> {
    data_type: DataType,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl<'a> TensorView<'a> {
    /// Elements in C order with their shape.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of elements is not that of the shape, `InvalidArgument` if there are more than eight dimensions.
    pub fn from_slice<T: TensorElement>(shape: impl ToDims, elements: &'a [T]) -> Result<Self> {
        let dims = shape.to_dims()?;
        match dims.to_usize() {
            Some(shape) if dims.volume() == Some(elements.len()) => {
                Ok(TensorView { data_type: T::DATA_TYPE, shape, bytes: Cow::Borrowed(bytemuck::cast_slice(elements)) })
            }
            _ => {
                let said = format!("{} elements for the shape {dims}", elements.len());
                Err(crate::Error::new(crate::ErrorKind::ShapeMismatch, "view a tensor", said))
            }
        }
    }

    /// The type of the elements.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn dims(&self) -> Result<Dims> {
        self.shape.to_dims()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Some of the entries of the first axis.
    pub(super) fn rows(&self, start: usize, count: usize) -> TensorView<'_> {
        let row = self.bytes.len() / self.shape.first().copied().unwrap_or(1).max(1);
        let mut shape = self.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = count;
        }
        let bytes = &self.bytes[start * row..(start + count) * row];
        TensorView { data_type: self.data_type, shape, bytes: Cow::Borrowed(bytes) }
    }
}

impl<'a, T: TensorElement, D: Dimension> From<ArrayView<'a, T, D>> for TensorView<'a> {
    fn from(array: ArrayView<'a, T, D>) -> Self {
        let shape = array.shape().to_vec();
        let bytes = match array.to_slice() {
            Some(elements) => Cow::Borrowed(bytemuck::cast_slice(elements)),
            None => {
                let elements: Vec<T> = array.iter().copied().collect();
                Cow::Owned(bytemuck::cast_slice(&elements).to_vec())
            }
        };
        TensorView { data_type: T::DATA_TYPE, shape, bytes }
    }
}

impl<'a, T: TensorElement, D: Dimension> From<&'a Array<T, D>> for TensorView<'a> {
    fn from(array: &'a Array<T, D>) -> Self {
        array.view().into()
    }
}

impl<'a> From<&'a TensorView<'_>> for TensorView<'a> {
    fn from(view: &'a TensorView<'_>) -> Self {
        TensorView { data_type: view.data_type, shape: view.shape.clone(), bytes: Cow::Borrowed(&view.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::TensorView;
    use ndarray::array;

    #[test]
    fn arrays_of_any_layout_become_rows() {
        let array = array![[1_i32, 2, 3], [4, 5, 6]];
        let transposed = TensorView::from(array.t());
        assert_eq!(transposed.shape(), [3, 2]);
        assert_eq!(transposed.bytes(), bytemuck::cast_slice::<i32, u8>(&[1, 4, 2, 5, 3, 6]));
        let view = TensorView::from(&array);
        let rows = view.rows(1, 1);
        assert_eq!((rows.shape(), rows.bytes().len()), (&[1, 3][..], 12));
    }

    #[test]
    fn slices_must_fit_their_shape() {
        assert!(TensorView::from_slice([2, 2], &[true; 4]).is_ok());
        assert!(TensorView::from_slice([2, 2], &[1.0_f32; 3]).is_err());
    }
}
