//! Products of matrices.

use tensorrt_sys::{IEinsumLayer, IMatrixMultiplyLayer};

use super::{accessors, layers};
use crate::MatrixOperation;
use crate::error::{Error, ErrorKind, Result};
use crate::network::add::adds;
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::{Value, c_string};

layers! {
    /// A product of matrices.
    #[doc(alias = "nvinfer1::IMatrixMultiplyLayer")]
    MatrixMultiplyLayer = IMatrixMultiplyLayer is MatrixMultiply;
    /// A sum of products over named axes.
    #[doc(alias = "nvinfer1::IEinsumLayer")]
    EinsumLayer = IEinsumLayer is Einsum;
}

adds! {
    /// Adds a product of matrices, the last two axes of each tensor; the axes before are broadcast. A `Vector` has no row or column axis.
    ///
    /// ```
    /// use tensorrt::{Builder, DataType, MatrixOperation};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// # let library = tensorrt_emulator::library();
    /// # let builder = Builder::new(&library)?;
    /// # let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [8, 5, 16])?;
    /// let w = network.add_input("w", DataType::Float, [1, 32, 16])?;
    /// let layer = network.add_matrix_multiply(x, MatrixOperation::None, w, MatrixOperation::Transpose)?;
    /// assert_eq!(layer.output(0)?.dims()?, Some([8, 5, 32].into()));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addMatrixMultiply")]
    add_matrix_multiply(
        left: Tensor<'_> as tensor, left_operation: MatrixOperation as value,
        right: Tensor<'_> as tensor, right_operation: MatrixOperation as value
    ) -> MatrixMultiplyLayer by INetworkDefinition_addMatrixMultiply;
}

accessors! { EinsumLayer:
    "the equation, such as `ij,jk->ik`" text,
        equation = IEinsumLayer_getEquation "nvinfer1::IEinsumLayer::getEquation",
        set_equation = IEinsumLayer_setEquation "nvinfer1::IEinsumLayer::setEquation";
}

impl NetworkDefinition<'_> {
    /// Adds a sum of products over named axes, of one or two tensors, such as `bij,bjk->bik`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there are no tensors or one is of another network, `Build` if TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addEinsum")]
    pub fn add_einsum(&self, inputs: &[Tensor<'_>], equation: &str) -> Result<EinsumLayer<'_>> {
        let entry = "INetworkDefinition_addEinsum";
        let (array, equation) = (self.array(inputs, entry)?, c_string("use the equation", equation)?);
        let operation = Operation::begin();
        // SAFETY: network and tensors are alive and belong together; the array has `len` pointers, and it and the text live during the call.
        let made =
            unsafe { call!(self.raw, INetworkDefinition_addEinsum(array.as_ptr(), array.len, equation.as_ptr())) }?;
        self.added(operation, entry, made.cast())
    }
}

impl MatrixMultiplyLayer<'_> {
    /// How an operand is taken: 0 is the left one, 1 the right one.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a way that this crate has no name for.
    #[doc(alias = "nvinfer1::IMatrixMultiplyLayer::getOperation")]
    pub fn operation(&self, operand: u32) -> Result<MatrixOperation> {
        let operand = operand_of(operand)?;
        // SAFETY: a network's layers live as long as it, and this one is a product of matrices, which has operands 0 and 1.
        let raw = unsafe { call!(self, IMatrixMultiplyLayer_getOperation(operand)) }?;
        Value::read(self.library(), raw, "IMatrixMultiplyLayer::getOperation")
    }

    /// Sets how an operand is taken: 0 is the left one, 1 the right one.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no such operand, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IMatrixMultiplyLayer::setOperation")]
    pub fn set_operation(&self, operand: u32, operation: MatrixOperation) -> Result<()> {
        let (operand, raw) = (operand_of(operand)?, operation.cross(self.library())?);
        let watch = Operation::begin();
        // SAFETY: a network's layers live as long as it, and this one is a product of matrices, which has operands 0 and 1.
        unsafe { call!(self, IMatrixMultiplyLayer_setOperation(operand, raw)) }?;
        watch.silent(self.library(), ErrorKind::Setting, format_args!("take operand {operand} as {operation}"))
    }
}

fn operand_of(operand: u32) -> Result<i32> {
    let known = i32::try_from(operand).ok().filter(|operand| *operand < 2);
    known.ok_or_else(|| Error::invalid(format_args!("use operand {operand}"), "a product of matrices has two"))
}
