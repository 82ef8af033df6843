//! Elements picked by indices and put at indices.

use tensorrt_sys::{IGatherLayer, INonZeroLayer, IOneHotLayer, IScatterLayer};

use super::{accessors, layers};
use crate::error::Result;
use crate::network::add::adds;
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{DataType, GatherMode, ScatterMode};

layers! {
    /// Elements picked by indices.
    #[doc(alias = "nvinfer1::IGatherLayer")]
    GatherLayer = IGatherLayer is Gather;
    /// A tensor with some elements replaced.
    #[doc(alias = "nvinfer1::IScatterLayer")]
    ScatterLayer = IScatterLayer is Scatter;
    /// One-hot encoding of indices.
    #[doc(alias = "nvinfer1::IOneHotLayer")]
    OneHotLayer = IOneHotLayer is OneHot;
    /// The indices of elements that are not zero.
    #[doc(alias = "nvinfer1::INonZeroLayer")]
    NonZeroLayer = INonZeroLayer is NonZero;
}

adds! {
    /// Adds slices picked by indices along an axis. The output's shape is the data's, with that axis replaced by the indices' axes.
    ///
    /// ```
    /// use tensorrt::{Builder, DataType};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// # let library = tensorrt_emulator::library();
    /// # let builder = Builder::new(&library)?;
    /// # let network = builder.create_network(&[])?;
    /// let table = network.add_input("table", DataType::Float, [1000, 64])?;
    /// let words = network.add_input("words", DataType::Int32, [1, 12])?;
    /// let layer = network.add_gather(table, words, 0)?;
    /// assert_eq!(layer.output(0)?.dims()?, Some([1, 12, 64].into()));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addGather")]
    add_gather(data: Tensor<'_> as tensor, indices: Tensor<'_> as tensor, axis: u32 as value) -> GatherLayer
    by INetworkDefinition_addGather;

    /// Adds elements picked by indices, in any mode, along axis 0 until another is set.
    #[doc(alias = "nvinfer1::INetworkDefinition::addGatherV2")]
    add_gather_v2(data: Tensor<'_> as tensor, indices: Tensor<'_> as tensor, mode: GatherMode as value) -> GatherLayer
    by INetworkDefinition_addGatherV2;

    /// Adds a copy of the data with the updates put at the indices. In mode `Element` indices and updates have one shape, of the data's
    /// rank; in mode `Nd` the last axis of the indices is a position in the data.
    #[doc(alias = "nvinfer1::INetworkDefinition::addScatter")]
    add_scatter(data: Tensor<'_> as tensor, indices: Tensor<'_> as tensor, updates: Tensor<'_> as tensor, mode: ScatterMode as value)
    -> ScatterLayer by INetworkDefinition_addScatter;

    /// Adds the one-hot encoding of indices: `values` holds what is off and what is on, `depth`, a scalar, the extent of the new axis.
    #[doc(alias = "nvinfer1::INetworkDefinition::addOneHot")]
    add_one_hot(indices: Tensor<'_> as tensor, values: Tensor<'_> as tensor, depth: Tensor<'_> as tensor, axis: i32 as value)
    -> OneHotLayer by INetworkDefinition_addOneHot;
}

accessors! { GatherLayer:
    "the axis that the indices count along; 0 at first" value i32,
        axis = IGatherLayer_getGatherAxis "nvinfer1::IGatherLayer::getGatherAxis",
        set_axis = IGatherLayer_setGatherAxis "nvinfer1::IGatherLayer::setGatherAxis";
    "the number of leading axes that data and indices share; 0 at first" value i32,
        num_elementwise_dims = IGatherLayer_getNbElementWiseDims "nvinfer1::IGatherLayer::getNbElementWiseDims",
        set_num_elementwise_dims = IGatherLayer_setNbElementWiseDims "nvinfer1::IGatherLayer::setNbElementWiseDims";
    "how indices pick: slices, elements or tuples" value GatherMode,
        mode = IGatherLayer_getMode "nvinfer1::IGatherLayer::getMode",
        set_mode = IGatherLayer_setMode "nvinfer1::IGatherLayer::setMode";
}

accessors! { ScatterLayer:
    "how indices place the updates" value ScatterMode,
        mode = IScatterLayer_getMode "nvinfer1::IScatterLayer::getMode",
        set_mode = IScatterLayer_setMode "nvinfer1::IScatterLayer::setMode";
    "the axis that the indices count along, in mode `Element`; 0 at first" value i32,
        axis = IScatterLayer_getAxis "nvinfer1::IScatterLayer::getAxis",
        set_axis = IScatterLayer_setAxis "nvinfer1::IScatterLayer::setAxis";
}

accessors! { OneHotLayer:
    "the axis of the output that is the depth; -1 is the last" value i32,
        axis = IOneHotLayer_getAxis "nvinfer1::IOneHotLayer::getAxis",
        set_axis = IOneHotLayer_setAxis "nvinfer1::IOneHotLayer::setAxis";
}

accessors! { NonZeroLayer:
    "the type of the indices: `Int32` or `Int64`" value DataType,
        indices_type = INonZeroLayer_getIndicesType "nvinfer1::INonZeroLayer::getIndicesType",
        set_indices_type = INonZeroLayer_setIndicesType "nvinfer1::INonZeroLayer::setIndicesType";
}

impl NetworkDefinition<'_> {
    /// Adds the indices of the elements that are not zero, `[rank, number]`; the number is known when the inference has run.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Unsupported` if the loaded library has no indices of `Int64`, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addNonZero")]
    pub fn add_non_zero(&self, input: Tensor<'_>, indices_type: DataType) -> Result<NonZeroLayer<'_>> {
        self.own(input)?;
        let raw = indices_type.cross(self.library())?;
        let operation = Operation::begin();
        if self.chooses_indices(indices_type, self.library().api().INetworkDefinition_addNonZeroV2.is_some()) {
            // SAFETY: network and tensor are alive and belong together (checked above).
            let made = unsafe { call!(self.raw, INetworkDefinition_addNonZeroV2(input.as_ptr(), raw)) }?;
            return self.added(operation, "INetworkDefinition_addNonZeroV2", made.cast());
        }
        // SAFETY: as above.
        let made = unsafe { call!(self.raw, INetworkDefinition_addNonZero(input.as_ptr())) }?;
        self.added(operation, "INetworkDefinition_addNonZero", made.cast())
    }
}
