//! Layers that compute elements from elements.

use super::{Case, answer, check, floats, input, property};
use tensorrt::{
    ActivationLayer, ActivationType, DataType, ElementWiseOperation, FillOperation, InterpolationMode, LayerType,
    MatrixOperation, PaddingMode, PoolingType, SampleMode, ScaleMode, SoftMaxLayer, UnaryOperation, Weights,
};

#[test]
fn functions_of_elements() {
    let cases: &[Case] = &[
        ("activation", |network| {
            let layer = network.add_activation(input(network, [2, 2]), ActivationType::Elu).unwrap();
            property!(layer alpha set_alpha 1.0 => 0.5);
            property!(layer beta set_beta 0.0 => 0.25);
            property!(layer activation_type set_activation_type ActivationType::Elu => ActivationType::LeakyRelu);
            layer.set_alpha(0.5).unwrap();
            let any = layer.as_any();
            assert_eq!(any.layer_type().unwrap(), LayerType::Activation);
            assert!(any.downcast::<ActivationLayer>().is_some() && any.downcast::<SoftMaxLayer>().is_none());
            property!(any metadata set_metadata "" => "noted");
            answer(network, layer.output(0).unwrap());
            Some(vec![-0.5, 0.0, 1.0, 2.0])
        }),
        ("unary", |network| {
            let layer = network.add_unary(input(network, [2, 2]), UnaryOperation::Exp).unwrap();
            property!(layer operation set_operation UnaryOperation::Exp => UnaryOperation::Neg);
            answer(network, layer.output(0).unwrap());
            Some(vec![1.0, 0.0, -1.0, -2.0])
        }),
        ("parametric ReLU", |network| {
            let slope = floats(network, [1, 2], &[2.0, 3.0]);
            answer(network, network.add_parametric_relu(input(network, [2, 2]), slope).unwrap().output(0).unwrap());
            Some(vec![-2.0, 0.0, 1.0, 2.0])
        }),
        ("elementwise", |network| {
            let (x, one) = (input(network, [2, 2]), floats(network, [1, 1], &[1.0]));
            let layer = network.add_elementwise(one, one, ElementWiseOperation::Sum).unwrap();
            property!(layer operation set_operation ElementWiseOperation::Sum => ElementWiseOperation::Sub);
            layer.set_input(0, x).unwrap();
            assert_eq!(layer.input(0).unwrap(), Some(x));
            assert!(layer.set_input(2, x).is_err());
            answer(network, layer.output(0).unwrap());
            Some(vec![-2.0, -1.0, 0.0, 1.0])
        }),
        ("select", |network| {
            let condition = network.add_constant([2, 2], Weights::new(&[true, false, false, true])).unwrap();
            let nine = floats(network, [1, 1], &[9.0]);
            let layer = network.add_select(condition.output(0).unwrap(), input(network, [2, 2]), nine).unwrap();
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 9.0, 9.0, 2.0])
        }),
        ("cast and identity", |network| {
            let layer = network.add_cast(input(network, [2, 2]), DataType::Int32).unwrap();
            property!(layer to_type set_to_type DataType::Int32 => DataType::Half);
            let copy = network.add_identity(layer.output(0).unwrap()).unwrap();
            let back = network.add_cast(copy.output(0).unwrap(), DataType::Float).unwrap();
            answer(network, back.output(0).unwrap());
            Some(vec![-1.0, 0.0, 1.0, 2.0])
        }),
        ("scale", |network| {
            let none = Weights::empty(DataType::Float);
            let (one, two) = (Weights::new(&[1.0_f32]), Weights::new(&[2.0_f32]));
            let x = input(network, [1, 2, 1, 2]);
            let layer = network.add_scale(x, ScaleMode::Uniform, one.clone(), two.clone(), none, 1).unwrap();
            property!(layer mode set_mode ScaleMode::Uniform => ScaleMode::Channel);
            property!(layer channel_axis set_channel_axis 1 => 0);
            layer.set_channel_axis(1).unwrap();
            assert_eq!((layer.shift().unwrap(), layer.scale().unwrap()), (one, two));
            assert!(layer.power().unwrap().is_empty());
            layer.set_shift(Weights::new(&[1.0_f32, 0.0])).unwrap();
            layer.set_scale(Weights::new(&[2.0_f32, 3.0])).unwrap();
            layer.set_power(Weights::new(&[1.0_f32, 1.0])).unwrap();
            assert_eq!(layer.power().unwrap().to_vec::<f32>().unwrap(), [1.0, 1.0]);
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 1.0, 3.0, 6.0])
        }),
        ("constant", |network| {
            let layer = network.add_constant([4, 1], Weights::new(&[1.0_f32; 4])).unwrap();
            property!(layer dims set_dims dims [4, 1] => [1, 4]);
            property!(layer weights set_weights Weights::new(&[1.0_f32; 4]) => Weights::new(&[10.0_f32, 20.0, 30.0, 40.0]));
            let x = input(network, [1, 4]);
            let sum = network.add_elementwise(x, layer.output(0).unwrap(), ElementWiseOperation::Sum).unwrap();
            answer(network, sum.output(0).unwrap());
            Some(vec![9.0, 20.0, 31.0, 42.0])
        }),
        ("fill", |network| {
            let layer = network.add_fill([2], FillOperation::RandomUniform, DataType::Half).unwrap();
            property!(layer dims set_dims some Some([2].into()) => [3]);
            property!(layer operation set_operation FillOperation::RandomUniform => FillOperation::Linspace);
            property!(layer alpha set_alpha 0.0 => 1.0);
            property!(layer beta set_beta 1.0 => 2.0);
            property!(layer to_type set_to_type DataType::Half => DataType::Float);
            let sum = network.add_elementwise(input(network, [3]), layer.output(0).unwrap(), ElementWiseOperation::Sum);
            answer(network, sum.unwrap().output(0).unwrap());
            Some(vec![0.0, 3.0, 6.0])
        }),
        ("fill of integers, of a computed shape", |network| {
            let layer = network.add_fill([3], FillOperation::Linspace, DataType::Int64).unwrap();
            layer.set_alpha_int64(5).unwrap();
            layer.set_beta_int64(-2).unwrap();
            assert_eq!((layer.alpha_int64().unwrap(), layer.beta_int64().unwrap()), (5, -2));
            assert!(layer.is_alpha_beta_int64().unwrap());
            let shape = network.add_constant([1], Weights::new(&[2_i64])).unwrap();
            layer.set_input(0, shape.output(0).unwrap()).unwrap();
            assert_eq!(layer.dims().unwrap(), None);
            answer(network, network.add_cast(layer.output(0).unwrap(), DataType::Float).unwrap().output(0).unwrap());
            Some(vec![5.0, 3.0])
        }),
        ("assertion", |network| {
            let truth = network.add_constant([1], Weights::new(&[true])).unwrap().output(0).unwrap();
            let layer = network.add_assertion(truth, "one").unwrap();
            property!(layer message set_message "one" => "other");
            answer(network, network.add_identity(input(network, [2])).unwrap().output(0).unwrap());
            Some(vec![-1.0, 0.0])
        }),
    ];
    check(cases);
}

#[test]
fn convolutions_and_windows() {
    let cases: &[Case] = &[
        ("convolution", |network| {
            let (ones, none) = (Weights::new(&[1.0_f32; 4]), Weights::empty(DataType::Float));
            let layer = network.add_convolution(input(network, [1, 1, 3, 3]), 1, [2, 2], ones, none.clone()).unwrap();
            property!(layer num_output_maps set_num_output_maps 1 => 2);
            property!(layer num_groups set_num_groups 1 => 1);
            property!(layer kernel_size set_kernel_size dims [2, 2] => [2, 2]);
            property!(layer stride set_stride dims [1, 1] => [2, 1]);
            property!(layer dilation set_dilation dims [1, 1] => [1, 2]);
            property!(layer padding set_padding dims [0, 0] => [1, 1]);
            property!(layer pre_padding set_pre_padding dims [1, 1] => [0, 0]);
            property!(layer post_padding set_post_padding dims [1, 1] => [1, 0]);
            property!(layer padding_mode set_padding_mode PaddingMode::ExplicitRoundDown => PaddingMode::ExplicitRoundUp);
            let kernel = Weights::new(&[1.0_f32, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
            property!(layer kernel_weights set_kernel_weights Weights::new(&[1.0_f32; 4]) => kernel.clone());
            property!(layer bias_weights set_bias_weights none.clone() => Weights::new(&[1.0_f32, 0.0]));
            network.set_weights_name(&kernel, "kernel").unwrap();
            network.mark_weights_refittable("kernel").unwrap();
            assert!(network.are_weights_marked_refittable("kernel").unwrap());
            assert!(network.mark_weights_refittable("other").is_err());
            answer(network, layer.output(0).unwrap());
            Some(vec![7.0, 13.0, 12.0, 24.0])
        }),
        ("convolution with a kernel that is a tensor", |network| {
            let none = Weights::empty(DataType::Float);
            let x = input(network, [1, 1, 3, 3]);
            let layer = network.add_convolution(x, 1, [2, 2], none.clone(), none).unwrap();
            assert!(layer.output(0).unwrap().dims().is_err());
            layer.set_input(1, floats(network, [1, 1, 2, 2], &[1.0; 4])).unwrap();
            answer(network, layer.output(0).unwrap());
            Some(vec![4.0, 8.0, 16.0, 20.0])
        }),
        ("deconvolution", |network| {
            let (ones, none) = (Weights::new(&[1.0_f32; 4]), Weights::empty(DataType::Float));
            let layer = network.add_deconvolution(input(network, [1, 1, 2, 2]), 1, [2, 2], ones, none.clone()).unwrap();
            property!(layer num_output_maps set_num_output_maps 1 => 1);
            property!(layer num_groups set_num_groups 1 => 1);
            property!(layer kernel_size set_kernel_size dims [2, 2] => [2, 2]);
            property!(layer stride set_stride dims [1, 1] => [2, 2]);
            property!(layer dilation set_dilation dims [1, 1] => [1, 1]);
            property!(layer padding set_padding dims [0, 0] => [1, 1]);
            property!(layer pre_padding set_pre_padding dims [1, 1] => [0, 0]);
            property!(layer post_padding set_post_padding dims [1, 1] => [0, 0]);
            property!(layer padding_mode set_padding_mode PaddingMode::ExplicitRoundDown => PaddingMode::ExplicitRoundUp);
            property!(layer kernel_weights set_kernel_weights Weights::new(&[1.0_f32; 4]) => Weights::new(&[2.0_f32; 4]));
            property!(layer bias_weights set_bias_weights none.clone() => Weights::new(&[1.0_f32]));
            answer(network, layer.output(0).unwrap());
            let rows = [[-1.0, -1.0, 1.0, 1.0], [3.0, 3.0, 5.0, 5.0]];
            Some([rows[0], rows[0], rows[1], rows[1]].concat())
        }),
        ("pooling", |network| {
            let layer = network.add_pooling(input(network, [1, 1, 3, 3]), PoolingType::Max, [3, 3]).unwrap();
            property!(layer pooling_type set_pooling_type PoolingType::Max => PoolingType::Average);
            property!(layer blend_factor set_blend_factor 0.0 => 0.5);
            property!(layer average_count_excludes_padding set_average_count_excludes_padding true => false);
            property!(layer window_size set_window_size dims [3, 3] => [2, 2]);
            property!(layer stride set_stride dims [1, 1] => [2, 2]);
            property!(layer padding set_padding dims [0, 0] => [1, 1]);
            property!(layer pre_padding set_pre_padding dims [1, 1] => [0, 0]);
            property!(layer post_padding set_post_padding dims [1, 1] => [1, 1]);
            property!(layer padding_mode set_padding_mode PaddingMode::ExplicitRoundDown => PaddingMode::ExplicitRoundUp);
            answer(network, layer.output(0).unwrap());
            Some(vec![1.0, 1.25, 2.75, 1.75])
        }),
        ("matrix product", |network| {
            let right = floats(network, [2, 2], &[1.0, 2.0, 3.0, 4.0]);
            let (x, plain) = (input(network, [2, 2]), MatrixOperation::None);
            let layer = network.add_matrix_multiply(x, plain, right, plain).unwrap();
            assert_eq!(layer.operation(1).unwrap(), plain);
            layer.set_operation(1, MatrixOperation::Transpose).unwrap();
            assert_eq!(layer.operation(1).unwrap(), MatrixOperation::Transpose);
            assert!(layer.operation(2).is_err());
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, -3.0, 5.0, 11.0])
        }),
        ("Einstein summation", |network| {
            let layer = network.add_einsum(&[input(network, [2, 2])], "ij->ij").unwrap();
            property!(layer equation set_equation "ij->ij" => "ab->ba");
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, 1.0, 0.0, 2.0])
        }),
        ("resize", |network| {
            use tensorrt::{ResizeCoordinateTransformation as T, ResizeRoundMode as R, ResizeSelector as S};
            let layer = network.add_resize(input(network, [1, 1, 1, 2])).unwrap();
            property!(layer resize_mode set_resize_mode InterpolationMode::Nearest => InterpolationMode::Linear);
            layer.set_resize_mode(InterpolationMode::Nearest).unwrap();
            property!(layer coordinate_transformation set_coordinate_transformation T::Asymmetric => T::HalfPixel);
            property!(layer selector_for_single_pixel set_selector_for_single_pixel S::Formula => S::Upper);
            property!(layer nearest_rounding set_nearest_rounding R::Floor => R::Ceil);
            property!(layer cubic_coeff set_cubic_coeff -0.75 => -0.5);
            property!(layer exclude_outside set_exclude_outside false => true);
            layer.set_exclude_outside(false).unwrap();
            property!(layer output_dims set_output_dims some Some([1, 1, 1, 2].into()) => [1, 1, 1, 3]);
            assert!(layer.scales().unwrap().is_empty());
            layer.set_scales(&[1.0, 1.0, 1.0, 2.0]).unwrap();
            assert_eq!(layer.scales().unwrap(), [1.0, 1.0, 1.0, 2.0]);
            layer.set_coordinate_transformation(T::Asymmetric).unwrap();
            layer.set_nearest_rounding(R::Floor).unwrap();
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0, -1.0, 0.0, 0.0])
        }),
        ("grid sample", |network| {
            let grid = floats(network, [1, 1, 1, 2], &[-1.0, 0.0]);
            let layer = network.add_grid_sample(input(network, [1, 1, 1, 2]), grid).unwrap();
            property!(layer interpolation_mode set_interpolation_mode InterpolationMode::Linear => InterpolationMode::Nearest);
            property!(layer align_corners set_align_corners false => true);
            property!(layer sample_mode set_sample_mode SampleMode::Fill => SampleMode::Clamp);
            answer(network, layer.output(0).unwrap());
            Some(vec![-1.0])
        }),
        ("quantization", |network| {
            let scale = floats(network, [], &[0.5]);
            let layer = network.add_quantize(input(network, [2, 2]), scale, DataType::Int8).unwrap();
            property!(layer axis set_axis -1 => 1);
            property!(layer to_type set_to_type DataType::Int8 => DataType::Int8);
            let back = network.add_dequantize(layer.output(0).unwrap(), scale, DataType::Half).unwrap();
            property!(back axis set_axis -1 => 0);
            property!(back to_type set_to_type DataType::Half => DataType::Float);
            answer(network, back.output(0).unwrap());
            Some(vec![-1.0, 0.0, 1.0, 2.0])
        }),
        ("dynamic quantization", |network| {
            let x = input(network, [4, 32]);
            let layer = network.add_dynamic_quantize(x, 1, 16, DataType::Fp4, DataType::Fp8).unwrap();
            property!(layer to_type set_to_type DataType::Fp4 => DataType::Fp4);
            property!(layer scale_type set_scale_type DataType::Fp8 => DataType::Fp8);
            property!(layer axis set_axis 1 => 0);
            layer.set_axis(1).unwrap();
            property!(layer block_size set_block_size 16 => 16);
            assert!(layer.output(0).unwrap().dims().is_err());
            layer.set_input(1, floats(network, [], &[1.0])).unwrap();
            let other = network.add_dynamic_quantize_v2(x, [1, 16], DataType::Fp4, DataType::Fp8).unwrap();
            other.set_input(1, floats(network, [], &[1.0])).unwrap();
            assert_eq!(other.block_shape().unwrap(), Some([1, 16].into()));
            None
        }),
    ];
    check(cases);
}
