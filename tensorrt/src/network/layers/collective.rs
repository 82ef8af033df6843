//! Exchanges between devices.

use tensorrt_sys::IDistCollectiveLayer;

use super::layers;
use crate::error::{Error, ErrorKind, Result};
use crate::network::{NetworkDefinition, Tensor};
use crate::operation::Operation;
use crate::raw::call;
use crate::value::Value;
use crate::{CollectiveOperation, ReduceOperation};

layers! {
    /// An exchange between devices.
    #[doc(alias = "nvinfer1::IDistCollectiveLayer")]
    DistCollectiveLayer = IDistCollectiveLayer is DistCollective;
}

impl DistCollectiveLayer<'_> {
    /// The number of ranks; 1 at first.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::ILayer::getNbRanks")]
    pub fn num_ranks(&self) -> Result<u32> {
        // SAFETY: a network's layers live as long as it.
        let raw = unsafe { call!(self.as_any(), ILayer_getNbRanks()) }?;
        u32::read(self.library(), raw, "ILayer::getNbRanks")
    }

    /// Sets the number of ranks, once: gathering multiplies the first extent by it, scattering divides it.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::ILayer::setNbRanks")]
    pub fn set_num_ranks(&self, ranks: u32) -> Result<()> {
        let raw = ranks.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: a network's layers live as long as it.
        let done = unsafe { call!(self.as_any(), ILayer_setNbRanks(raw)) }?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("set {ranks} ranks"), done)
    }
}

impl NetworkDefinition<'_> {
    /// Adds an exchange between devices. `reduce` is `None` for operations that do not reduce; `root` is the rank that sends or receives,
    /// and none for operations without one; an empty group is all ranks.
    ///
    /// ```
    /// use tensorrt::{Builder, CollectiveOperation, DataType, ReduceOperation};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// let library = tensorrt_emulator::library();
    /// let builder = Builder::new(&library)?;
    /// let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [4, 6])?;
    /// let gather = network.add_dist_collective(x, CollectiveOperation::AllGather, ReduceOperation::None, None, &[])?;
    /// gather.set_num_ranks(2)?;
    /// assert_eq!(gather.output(0)?.dims()?, Some([8, 6].into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the tensor is of another network, `Unsupported` if the loaded library has no such layer or operation, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addDistCollective")]
    pub fn add_dist_collective(
        &self,
        input: Tensor<'_>,
        operation: CollectiveOperation,
        reduce: ReduceOperation,
        root: Option<u32>,
        group: &[i64],
    ) -> Result<DistCollectiveLayer<'_>> {
        self.own(input)?;
        let (kind, reduce) = (operation.cross(self.library())?, reduce.cross(self.library())?);
        let size = i64::try_from(group.len());
        let size = size.map_err(|_| Error::invalid("add an exchange between devices", "the group is too large"))?;
        let mut group = group.to_vec();
        let root = root.map_or(-1, i64::from);
        let operation = Operation::begin();
        // SAFETY: the network is alive, and the tensor is its own (checked above); the group has `size` ranks and lives during the call.
        let made = unsafe {
            call!(
                self.raw,
                INetworkDefinition_addDistCollective(input.as_ptr(), kind, reduce, root, group.as_mut_ptr(), size)
            )
        }?;
        self.added(operation, "INetworkDefinition_addDistCollective", made.cast())
    }
}
