//! Caches of keys and values.

use std::ptr::NonNull;

use tensorrt_sys::{IKVCacheUpdateLayer, ITensor};

use super::{accessors, layers};
use crate::error::Result;
use crate::network::Tensor;
use crate::network::add::adds;
use crate::operation::{Operation, Outcome};
use crate::raw::call;
use crate::{AttentionIOForm, KVCacheMode};

layers! {
    /// A cache of keys or values, updated in place.
    #[doc(alias = "nvinfer1::IKVCacheUpdateLayer")]
    KvCacheUpdateLayer = IKVCacheUpdateLayer is KvcacheUpdate;
}

adds! {
    /// Adds the update of a cache of keys or values, [batch, heads, positions, size]: token s of batch entry i of the update,
    /// [batch, heads, tokens, size], goes to position `write_indices[i] + s`.
    ///
    /// The cache must be an input of the network and the result an output: the engine updates the cache in place, and an
    /// [`ExecutionContext`](crate::ExecutionContext) takes one memory for both. [`TensorInfo::aliased_input`](crate::TensorInfo::aliased_input)
    /// tells which.
    ///
    /// ```
    /// use tensorrt::{Builder, DataType, DeviceBuffer, KVCacheMode, Engine, Stream};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// let library = tensorrt_emulator::library();
    /// let builder = Builder::new(&library)?;
    /// let network = builder.create_network(&[])?;
    /// let cache = network.add_input("cache", DataType::Float, [1, 1, 4, 1])?;
    /// let update = network.add_input("update", DataType::Float, [1, 1, 2, 1])?;
    /// let at = network.add_input("at", DataType::Int32, [1])?;
    /// let present = network.add_kv_cache_update(cache, update, at, KVCacheMode::Linear)?.output(0)?;
    /// present.set_name("present")?;
    /// network.mark_output(present)?;
    ///
    /// let plan = builder.build_serialized_network(&network, &builder.create_builder_config()?)?;
    /// let engine = Engine::from_plan(&library, &plan)?;
    /// assert_eq!(engine.tensor("present")?.aliased_input(), Some("cache"));
    /// let stream = Stream::new(engine.device())?;
    /// let cache = DeviceBuffer::from_slice(&stream, &[1.0_f32, 2.0, 3.0, 4.0])?;
    /// let update = DeviceBuffer::from_slice(&stream, &[7.0_f32, 8.0])?;
    /// let at = DeviceBuffer::from_slice(&stream, &[1_i32])?;
    /// let mut context = engine.create_execution_context()?;
    /// context.set_tensor("cache", &cache)?;
    /// context.set_tensor("present", &cache)?;
    /// context.set_tensor("update", &update)?;
    /// context.set_tensor("at", &at)?;
    /// context.launch(&stream)?;
    /// assert_eq!(cache.to_vec(&stream)?, [1.0, 7.0, 8.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "nvinfer1::INetworkDefinition::addKVCacheUpdate")]
    add_kv_cache_update(
        cache: Tensor<'_> as tensor, update: Tensor<'_> as tensor, write_indices: Tensor<'_> as tensor, mode: KVCacheMode as value,
    ) -> KvCacheUpdateLayer by INetworkDefinition_addKVCacheUpdate;
}

accessors! { KvCacheUpdateLayer:
    "how positions map to the cache" value KVCacheMode,
        cache_mode = IKVCacheUpdateLayer_getCacheMode "nvinfer1::IKVCacheUpdateLayer::getCacheMode",
        set_cache_mode = IKVCacheUpdateLayer_setCacheMode "nvinfer1::IKVCacheUpdateLayer::setCacheMode";
    "how the update lies in memory; `PaddedBhnd` at first. A packed one, [tokens, heads, size], needs its lengths" value AttentionIOForm,
        update_form = IKVCacheUpdateLayer_getUpdateForm "nvinfer1::IKVCacheUpdateLayer::getUpdateForm",
        set_update_form = IKVCacheUpdateLayer_setUpdateForm "nvinfer1::IKVCacheUpdateLayer::setUpdateForm";
}

impl<'n> KvCacheUpdateLayer<'n> {
    /// The running totals of the tokens of a packed update; none at first.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IKVCacheUpdateLayer::getUpdateLengths")]
    pub fn update_lengths(&self) -> Result<Option<Tensor<'n>>> {
        // SAFETY: a network's layers live as long as it, and this one is an update of a cache.
        let pointer = unsafe { call!(self, IKVCacheUpdateLayer_getUpdateLengths()) }?;
        Ok(NonNull::new(pointer).map(|pointer| Tensor::new(self.network(), pointer)))
    }

    /// Sets the running totals of the tokens of a packed update, 0, those of batch entry 0, of entries 0 and 1, …, as `Int32`; or takes
    /// them away.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IKVCacheUpdateLayer::setUpdateLengths")]
    pub fn set_update_lengths(&self, lengths: Option<Tensor<'_>>) -> Result<()> {
        lengths.map_or(Ok(()), |tensor| self.network().own(tensor))?;
        let pointer: *mut ITensor = lengths.map_or(std::ptr::null_mut(), |tensor| tensor.as_ptr());
        let operation = Operation::begin();
        // SAFETY: layer and tensor are alive and of one network (checked above); null takes the tensor away.
        let done = unsafe { call!(self, IKVCacheUpdateLayer_setUpdateLengths(pointer)) }?;
        Outcome::check(done, operation, self.library(), &"call nvinfer1::IKVCacheUpdateLayer::setUpdateLengths")
    }
}
