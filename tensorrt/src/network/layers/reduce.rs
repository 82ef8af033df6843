//! Values over axes.

use tensorrt_sys::{ICumulativeLayer, IReduceLayer, ITopKLayer};

use super::{accessors, layers};
use crate::error::Result;
use crate::network::add::{adds, mask_of};
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{CumulativeOperation, DataType, ReduceOperation, TopKOperation};

layers! {
    /// A sum, product, maximum, minimum or average over axes.
    #[doc(alias = "nvinfer1::IReduceLayer")]
    ReduceLayer = IReduceLayer is Reduce;
    /// The largest or smallest elements along an axis: the values as the first output, their indices as the second.
    #[doc(alias = "nvinfer1::ITopKLayer")]
    TopKLayer = ITopKLayer is Topk;
    /// Running sums along an axis.
    #[doc(alias = "nvinfer1::ICumulativeLayer")]
    CumulativeLayer = ICumulativeLayer is Cumulative;
}

adds! {
    /// Adds a reduction over axes.
    #[doc(alias = "nvinfer1::INetworkDefinition::addReduce")]
    add_reduce(input: Tensor<'_> as tensor, operation: ReduceOperation as value, axes: &[u32] as axes, keep_dims: bool as value)
    -> ReduceLayer by INetworkDefinition_addReduce;

    /// Adds running sums along the axis that a scalar constant gives.
    #[doc(alias = "nvinfer1::INetworkDefinition::addCumulative")]
    add_cumulative(
        input: Tensor<'_> as tensor, axis: Tensor<'_> as tensor, operation: CumulativeOperation as value,
        exclusive: bool as value, reverse: bool as value
    ) -> CumulativeLayer by INetworkDefinition_addCumulative;
}

accessors! { ReduceLayer:
    "the operation" value ReduceOperation,
        operation = IReduceLayer_getOperation "nvinfer1::IReduceLayer::getOperation",
        set_operation = IReduceLayer_setOperation "nvinfer1::IReduceLayer::setOperation";
    "the axes that are reduced" axes,
        axes = IReduceLayer_getReduceAxes "nvinfer1::IReduceLayer::getReduceAxes",
        set_axes = IReduceLayer_setReduceAxes "nvinfer1::IReduceLayer::setReduceAxes";
    "whether reduced axes stay, with an extent of 1" value bool,
        keep_dims = IReduceLayer_getKeepDimensions "nvinfer1::IReduceLayer::getKeepDimensions",
        set_keep_dims = IReduceLayer_setKeepDimensions "nvinfer1::IReduceLayer::setKeepDimensions";
}

accessors! { TopKLayer:
    "largest or smallest" value TopKOperation,
        operation = ITopKLayer_getOperation "nvinfer1::ITopKLayer::getOperation",
        set_operation = ITopKLayer_setOperation "nvinfer1::ITopKLayer::setOperation";
    "the number of elements, unless input 1 gives it" value u32,
        k = ITopKLayer_getK "nvinfer1::ITopKLayer::getK",
        set_k = ITopKLayer_setK "nvinfer1::ITopKLayer::setK";
    "the axis along which elements are compared" axes,
        axes = ITopKLayer_getReduceAxes "nvinfer1::ITopKLayer::getReduceAxes",
        set_axes = ITopKLayer_setReduceAxes "nvinfer1::ITopKLayer::setReduceAxes";
    "the type of the indices: `Int32` or `Int64`" value DataType,
        indices_type = ITopKLayer_getIndicesType "nvinfer1::ITopKLayer::getIndicesType",
        set_indices_type = ITopKLayer_setIndicesType "nvinfer1::ITopKLayer::setIndicesType";
}

accessors! { CumulativeLayer:
    "the operation" value CumulativeOperation,
        operation = ICumulativeLayer_getOperation "nvinfer1::ICumulativeLayer::getOperation",
        set_operation = ICumulativeLayer_setOperation "nvinfer1::ICumulativeLayer::setOperation";
    "whether an element leaves itself out" value bool,
        exclusive = ICumulativeLayer_getExclusive "nvinfer1::ICumulativeLayer::getExclusive",
        set_exclusive = ICumulativeLayer_setExclusive "nvinfer1::ICumulativeLayer::setExclusive";
    "whether it runs from the end" value bool,
        reverse = ICumulativeLayer_getReverse "nvinfer1::ICumulativeLayer::getReverse",
        set_reverse = ICumulativeLayer_setReverse "nvinfer1::ICumulativeLayer::setReverse";
}

impl NetworkDefinition<'_> {
    /// Adds the `k` largest or smallest elements along an axis: values as the first output, indices as the second. Input 1, if set, gives
    /// `k` at run time.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Unsupported` if the loaded library has no indices of `Int64`, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addTopK")]
    pub fn add_top_k(
        &self,
        input: Tensor<'_>,
        operation: TopKOperation,
        k: u32,
        axes: &[u32],
        indices_type: DataType,
    ) -> Result<TopKLayer<'_>> {
        self.own(input)?;
        let library = self.library();
        let (input, kind, k) = (input.as_ptr(), operation.cross(library)?, k.cross(library)?);
        let (axes, raw) = (mask_of(axes)?, indices_type.cross(library)?);
        let watch = Operation::begin();
        if self.chooses_indices(indices_type, library.api().INetworkDefinition_addTopKV2.is_some()) {
            // SAFETY: network and tensor are alive and belong together (checked above).
            let made = unsafe { call!(self.raw, INetworkDefinition_addTopKV2(input, kind, k, axes, raw)) }?;
            return self.added(watch, "INetworkDefinition_addTopKV2", made.cast());
        }
        // SAFETY: as above.
        let made = unsafe { call!(self.raw, INetworkDefinition_addTopK(input, kind, k, axes)) }?;
        self.added(watch, "INetworkDefinition_addTopK", made.cast())
    }
}
