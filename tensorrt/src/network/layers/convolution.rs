//! Convolutions and their transposes.

use tensorrt_sys::{IConvolutionLayer, IDeconvolutionLayer};

use super::{accessors, layers};
use crate::PaddingMode;
use crate::dims::{Dims, ToDims};
use crate::error::{Error, ErrorKind, Result};
use crate::network::{NetworkDefinition, Tensor, Weights};
use crate::operation::Operation;
use crate::raw::call;

layers! {
    /// A convolution over two or three spatial axes.
    #[doc(alias = "nvinfer1::IConvolutionLayer")]
    ConvolutionLayer = IConvolutionLayer is Convolution;
    /// A transposed convolution over two or three spatial axes.
    #[doc(alias = "nvinfer1::IDeconvolutionLayer")]
    DeconvolutionLayer = IDeconvolutionLayer is Deconvolution;
}

accessors! { ConvolutionLayer:
    "the number of output maps (channels)" value i64,
        num_output_maps = IConvolutionLayer_getNbOutputMaps "nvinfer1::IConvolutionLayer::getNbOutputMaps",
        set_num_output_maps = IConvolutionLayer_setNbOutputMaps "nvinfer1::IConvolutionLayer::setNbOutputMaps";
    "the number of groups that channels and maps are divided into; 1 at first" value i64,
        num_groups = IConvolutionLayer_getNbGroups "nvinfer1::IConvolutionLayer::getNbGroups",
        set_num_groups = IConvolutionLayer_setNbGroups "nvinfer1::IConvolutionLayer::setNbGroups";
    "the extents of the kernel, one a spatial axis" dims,
        kernel_size = IConvolutionLayer_getKernelSizeNd "nvinfer1::IConvolutionLayer::getKernelSizeNd",
        set_kernel_size = IConvolutionLayer_setKernelSizeNd "nvinfer1::IConvolutionLayer::setKernelSizeNd";
    "the stride of each spatial axis; 1 at first" dims,
        stride = IConvolutionLayer_getStrideNd "nvinfer1::IConvolutionLayer::getStrideNd",
        set_stride = IConvolutionLayer_setStrideNd "nvinfer1::IConvolutionLayer::setStrideNd";
    "the dilation of each spatial axis; 1 at first" dims,
        dilation = IConvolutionLayer_getDilationNd "nvinfer1::IConvolutionLayer::getDilationNd",
        set_dilation = IConvolutionLayer_setDilationNd "nvinfer1::IConvolutionLayer::setDilationNd";
    "the padding on both sides of each spatial axis; 0 at first" dims,
        padding = IConvolutionLayer_getPaddingNd "nvinfer1::IConvolutionLayer::getPaddingNd",
        set_padding = IConvolutionLayer_setPaddingNd "nvinfer1::IConvolutionLayer::setPaddingNd";
    "the padding before each spatial axis; 0 at first" dims,
        pre_padding = IConvolutionLayer_getPrePadding "nvinfer1::IConvolutionLayer::getPrePadding",
        set_pre_padding = IConvolutionLayer_setPrePadding "nvinfer1::IConvolutionLayer::setPrePadding";
    "the padding behind each spatial axis; 0 at first" dims,
        post_padding = IConvolutionLayer_getPostPadding "nvinfer1::IConvolutionLayer::getPostPadding",
        set_post_padding = IConvolutionLayer_setPostPadding "nvinfer1::IConvolutionLayer::setPostPadding";
    "how paddings follow and output extents are rounded; `ExplicitRoundDown` at first" value PaddingMode,
        padding_mode = IConvolutionLayer_getPaddingMode "nvinfer1::IConvolutionLayer::getPaddingMode",
        set_padding_mode = IConvolutionLayer_setPaddingMode "nvinfer1::IConvolutionLayer::setPaddingMode";
    "the kernel's values; empty where the kernel is input 1" weights,
        kernel_weights = IConvolutionLayer_getKernelWeights "nvinfer1::IConvolutionLayer::getKernelWeights",
        set_kernel_weights = IConvolutionLayer_setKernelWeights "nvinfer1::IConvolutionLayer::setKernelWeights";
    "the bias's values, one a map; empty for none" weights,
        bias_weights = IConvolutionLayer_getBiasWeights "nvinfer1::IConvolutionLayer::getBiasWeights",
        set_bias_weights = IConvolutionLayer_setBiasWeights "nvinfer1::IConvolutionLayer::setBiasWeights";
}

accessors! { DeconvolutionLayer:
    "the number of output maps (channels)" value i64,
        num_output_maps = IDeconvolutionLayer_getNbOutputMaps "nvinfer1::IDeconvolutionLayer::getNbOutputMaps",
        set_num_output_maps = IDeconvolutionLayer_setNbOutputMaps "nvinfer1::IDeconvolutionLayer::setNbOutputMaps";
    "the number of groups that channels and maps are divided into; 1 at first" value i64,
        num_groups = IDeconvolutionLayer_getNbGroups "nvinfer1::IDeconvolutionLayer::getNbGroups",
        set_num_groups = IDeconvolutionLayer_setNbGroups "nvinfer1::IDeconvolutionLayer::setNbGroups";
    "the extents of the kernel, one a spatial axis" dims,
        kernel_size = IDeconvolutionLayer_getKernelSizeNd "nvinfer1::IDeconvolutionLayer::getKernelSizeNd",
        set_kernel_size = IDeconvolutionLayer_setKernelSizeNd "nvinfer1::IDeconvolutionLayer::setKernelSizeNd";
    "the stride of each spatial axis; 1 at first" dims,
        stride = IDeconvolutionLayer_getStrideNd "nvinfer1::IDeconvolutionLayer::getStrideNd",
        set_stride = IDeconvolutionLayer_setStrideNd "nvinfer1::IDeconvolutionLayer::setStrideNd";
    "the dilation of each spatial axis; 1 at first" dims,
        dilation = IDeconvolutionLayer_getDilationNd "nvinfer1::IDeconvolutionLayer::getDilationNd",
        set_dilation = IDeconvolutionLayer_setDilationNd "nvinfer1::IDeconvolutionLayer::setDilationNd";
    "the padding on both sides of each spatial axis; 0 at first" dims,
        padding = IDeconvolutionLayer_getPaddingNd "nvinfer1::IDeconvolutionLayer::getPaddingNd",
        set_padding = IDeconvolutionLayer_setPaddingNd "nvinfer1::IDeconvolutionLayer::setPaddingNd";
    "the padding before each spatial axis; 0 at first" dims,
        pre_padding = IDeconvolutionLayer_getPrePadding "nvinfer1::IDeconvolutionLayer::getPrePadding",
        set_pre_padding = IDeconvolutionLayer_setPrePadding "nvinfer1::IDeconvolutionLayer::setPrePadding";
    "the padding behind each spatial axis; 0 at first" dims,
        post_padding = IDeconvolutionLayer_getPostPadding "nvinfer1::IDeconvolutionLayer::getPostPadding",
        set_post_padding = IDeconvolutionLayer_setPostPadding "nvinfer1::IDeconvolutionLayer::setPostPadding";
    "how paddings follow and output extents are rounded; `ExplicitRoundDown` at first" value PaddingMode,
        padding_mode = IDeconvolutionLayer_getPaddingMode "nvinfer1::IDeconvolutionLayer::getPaddingMode",
        set_padding_mode = IDeconvolutionLayer_setPaddingMode "nvinfer1::IDeconvolutionLayer::setPaddingMode";
    "the kernel's values; empty where the kernel is input 1" weights,
        kernel_weights = IDeconvolutionLayer_getKernelWeights "nvinfer1::IDeconvolutionLayer::getKernelWeights",
        set_kernel_weights = IDeconvolutionLayer_setKernelWeights "nvinfer1::IDeconvolutionLayer::setKernelWeights";
    "the bias's values, one a map; empty for none" weights,
        bias_weights = IDeconvolutionLayer_getBiasWeights "nvinfer1::IDeconvolutionLayer::getBiasWeights",
        set_bias_weights = IDeconvolutionLayer_setBiasWeights "nvinfer1::IDeconvolutionLayer::setBiasWeights";
}

impl NetworkDefinition<'_> {
    /// Adds a convolution over the last two or three axes of `[batch, channels, ...]`.
    ///
    /// The kernel has `maps` x channels per group x kernel extents values; the bias has `maps` values or is [empty](Weights::empty). Where
    /// the kernel is a tensor, its weights are left empty here, and it becomes input 1.
    ///
    /// ```
    /// use tensorrt::{Builder, DataType, Weights};
    ///
    /// # fn main() -> tensorrt::Result<()> {
    /// # let library = tensorrt_emulator::library();
    /// # let builder = Builder::new(&library)?;
    /// # let network = builder.create_network(&[])?;
    /// let x = network.add_input("x", DataType::Float, [1, 3, 8, 8])?;
    /// let (kernel, bias) = (Weights::new(&[0.1_f32; 4 * 3 * 3 * 3]), Weights::new(&[0.0_f32; 4]));
    /// let layer = network.add_convolution(x, 4, [3, 3], kernel, bias)?;
    /// layer.set_padding([1, 1])?;
    /// assert_eq!(layer.output(0)?.dims()?, Some([1, 4, 8, 8].into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of weights cannot be right, `InvalidArgument` if the tensor is of another network, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addConvolutionNd")]
    pub fn add_convolution(
        &self,
        input: Tensor<'_>,
        maps: usize,
        kernel: impl ToDims,
        kernel_weights: Weights,
        bias: Weights,
    ) -> Result<ConvolutionLayer<'_>> {
        self.own(input)?;
        let entry = "INetworkDefinition_addConvolutionNd";
        let (maps, kernel) = kernel_of(entry, maps, kernel.to_dims()?, &kernel_weights, &bias)?;
        let (weights, bias) = (self.keep_weights(kernel_weights)?, self.keep_weights(bias)?);
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together; the network keeps the weights; the shape lives during the call.
        let made = unsafe {
            call!(self.raw, INetworkDefinition_addConvolutionNd(input.as_ptr(), maps, &raw const kernel, weights, bias))
        }?;
        self.added(operation, entry, made.cast())
    }

    /// Adds a transposed convolution over the last two or three axes of `[batch, channels, ...]`.
    ///
    /// The kernel has channels x `maps` per group x kernel extents values; the bias has `maps` values or is [empty](Weights::empty). Where
    /// the kernel is a tensor, its weights are left empty here, and it becomes input 1.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` if the number of weights cannot be right, `InvalidArgument` if the tensor is of another network, `Build` if
    /// TensorRT refuses.
    #[doc(alias = "nvinfer1::INetworkDefinition::addDeconvolutionNd")]
    pub fn add_deconvolution(
        &self,
        input: Tensor<'_>,
        maps: usize,
        kernel: impl ToDims,
        kernel_weights: Weights,
        bias: Weights,
    ) -> Result<DeconvolutionLayer<'_>> {
        self.own(input)?;
        let entry = "INetworkDefinition_addDeconvolutionNd";
        let (maps, kernel) = kernel_of(entry, maps, kernel.to_dims()?, &kernel_weights, &bias)?;
        let (weights, bias) = (self.keep_weights(kernel_weights)?, self.keep_weights(bias)?);
        let operation = Operation::begin();
        // SAFETY: network and tensor are alive and belong together; the network keeps the weights; the shape lives during the call.
        let made = unsafe {
            call!(
                self.raw,
                INetworkDefinition_addDeconvolutionNd(input.as_ptr(), maps, &raw const kernel, weights, bias)
            )
        }?;
        self.added(operation, entry, made.cast())
    }
}

/// The number of maps and the kernel's extents as TensorRT takes them, unless the number of weights cannot be right.
fn kernel_of(
    entry: &str,
    maps: usize,
    kernel: Dims,
    weights: &Weights,
    bias: &Weights,
) -> Result<(i64, tensorrt_sys::Dims)> {
    let volume = kernel.volume().filter(|volume| *volume != 0);
    let fits = volume.is_some_and(|volume| weights.len().is_multiple_of(volume));
    if !fits || !(bias.is_empty() || bias.len() == maps) {
        let said = format!(
            "{} kernel weights and {} bias values for {maps} maps of kernel {kernel}",
            weights.len(),
            bias.len()
        );
        return Err(Error::new(ErrorKind::ShapeMismatch, format_args!("call {entry}"), said));
    }
    let maps =
        i64::try_from(maps).map_err(|_| Error::invalid(format_args!("call {entry}"), "there are too many maps"))?;
    Ok((maps, kernel.to_raw()))
}
