//! Layers over the spatial dimensions.

use tensorrt::{DataType, InterpolationMode, Layer, PaddingMode, PoolingType, Result, SampleMode, Weights};

use crate::draft::{Draft, FLOATS, zeros};

/// One number a spatial axis, that fit; now and then others.
fn each(draft: &mut Draft<'_>, name: &str, spatial: usize, fitting: &[i64]) -> Vec<i64> {
    let count = if draft.random.one_in(30) { draft.random.below(4) } else { spatial };
    let values: Vec<i64> = (0..count)
        .map(|_| if draft.random.one_in(3) { draft.number(fitting) } else { draft.random.pick(fitting) })
        .collect();
    draft.note(format_args!("{name}={values:?}"));
    values
}

fn spatial(draft: &mut Draft<'_>) -> usize {
    if draft.random.one_in(10) { draft.random.below(5) } else { draft.random.pick(&[2, 2, 3]) }
}

/// [N, C] and larger extents behind.
fn image(draft: &mut Draft<'_>, spatial: usize, channels: i64) -> Vec<i64> {
    let mut dims = vec![draft.extent(), channels];
    dims.extend((0..spatial).map(|_| draft.random.pick(&[1, 4, 5, 7, 8, 9, 16, -1])));
    draft.nearly(&dims)
}

struct Kernel {
    maps: usize,
    groups: i64,
    size: Vec<i64>,
    kernel: Weights,
    bias: Weights,
    dims: Vec<i64>,
    from_inputs: bool,
}

fn kernel(draft: &mut Draft<'_>, data_type: DataType, transposed: bool) -> Kernel {
    let spatial = spatial(draft);
    let groups = draft.number(&[1, 1, 1, 2]);
    let channels = draft.random.pick(&[1, 2, 4, 3]) * groups.clamp(1, 8);
    let maps = draft.random.pick(&[1, 2, 4, 6]) * groups.clamp(1, 8);
    let maps = if draft.random.one_in(30) { 0 } else { maps };
    let size = each(draft, "kernel", spatial, &[1, 2, 3]);
    let per_group = groups.max(1);
    let front = if transposed { [channels, maps / per_group] } else { [maps, channels / per_group] };
    let dims = [&front[..], &size].concat();
    let volume = |dims: &[i64]| dims.iter().map(|&d| usize::try_from(d).unwrap_or(1).min(1000)).product::<usize>();
    let mut count = volume(&dims);
    if draft.random.one_in(20) {
        count += 1;
    }
    let from_inputs = draft.random.one_in(5);
    let weights_type = if draft.random.one_in(12) { draft.random.pick(DataType::ALL) } else { data_type };
    let weights_type = if from_inputs { data_type } else { weights_type };
    let bias = match draft.random.below(16) {
        0 => volume(&[maps]) + 1,
        1..6 => 0,
        _ => volume(&[maps]),
    };
    draft.note(format_args!("groups={groups} maps={maps} {weights_type:?}*{count} bias*{bias}"));
    let kernel = zeros(weights_type, if from_inputs { 0 } else { count.min(1 << 20) });
    let bias = zeros(weights_type, bias);
    let image = image(draft, spatial, channels);
    draft.note(format_args!("of {image:?}"));
    let kernel = Kernel { maps: usize::try_from(maps).unwrap(), groups, size, kernel, bias, dims: image, from_inputs };
    Kernel { ..kernel }
}

macro_rules! convolve {
    ($draft:ident, $add:ident, $transposed:literal) => {{
        let data_type = $draft.data_type(FLOATS);
        let made = kernel($draft, data_type, $transposed);
        let spatial = made.size.len();
        let input = $draft.tensor(data_type, &made.dims)?;
        let layer = $draft.network.$add(input, made.maps, &made.size[..], made.kernel, made.bias)?;
        if made.groups != 1 {
            layer.set_num_groups(made.groups)?;
        }
        if $draft.random.one_in(2) {
            layer.set_stride(&each($draft, "stride", spatial, &[1, 2, 3])[..])?;
        }
        if $draft.random.one_in(3) {
            layer.set_pre_padding(&each($draft, "pre", spatial, &[0, 1, 2])[..])?;
            layer.set_post_padding(&each($draft, "post", spatial, &[0, 1, 2])[..])?;
        }
        if $draft.random.one_in(3) {
            layer.set_dilation(&each($draft, "dilation", spatial, &[1, 1, 2])[..])?;
        }
        if $draft.random.one_in(3) {
            let mode = $draft.pick(PaddingMode::ALL);
            layer.set_padding_mode(mode)?;
        }
        if made.from_inputs {
            let channels = made.dims.get(1).copied().unwrap_or(1).max(1);
            let (maps, groups) = (i64::try_from(made.maps).unwrap(), made.groups.max(1));
            let front = if $transposed { [channels, maps / groups] } else { [maps, channels / groups] };
            let dims = $draft.nearly(&[&front[..], &made.size].concat());
            let kernel = $draft.tensor(data_type, &dims)?;
            layer.set_input(1, kernel)?;
        }
        Ok(layer.as_any())
    }};
}

pub(super) fn convolution<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    convolve!(draft, add_convolution, false)
}

pub(super) fn deconvolution<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    convolve!(draft, add_deconvolution, true)
}

pub(super) fn pooling<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let data_type = draft.data_type(FLOATS);
    let spatial = spatial(draft);
    let channels = draft.extent();
    let dims = image(draft, spatial, channels);
    let input = draft.tensor(data_type, &dims)?;
    let function = draft.pick(PoolingType::ALL);
    let window = each(draft, "window", spatial, &[1, 2, 3]);
    let layer = draft.network.add_pooling(input, function, &window[..])?;
    if draft.random.one_in(2) {
        layer.set_stride(&each(draft, "stride", spatial, &[1, 2, 3])[..])?;
    }
    if draft.random.one_in(2) {
        layer.set_pre_padding(&each(draft, "pre", spatial, &[0, 0, 1])[..])?;
        layer.set_post_padding(&each(draft, "post", spatial, &[0, 1, 1])[..])?;
    }
    if draft.random.one_in(3) {
        let mode = draft.pick(PaddingMode::ALL);
        layer.set_padding_mode(mode)?;
    }
    Ok(layer.as_any())
}

pub(super) fn padding<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(&[3, 4, 4, 4, 5]));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let (pre, post) = (each(draft, "pre", 2, &[0, 1, 2, -1]), each(draft, "post", 2, &[0, 1, 2, -1]));
    Ok(draft.network.add_padding(input, &pre[..], &post[..])?.as_any())
}

pub(super) fn resize<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let (data_type, rank) = (draft.data_type(FLOATS), draft.rank(&[1, 2, 3, 4, 4, 5]));
    let dims = draft.extents(rank);
    let input = draft.tensor(data_type, &dims)?;
    let layer = draft.network.add_resize(input)?;
    let mode = draft.pick(InterpolationMode::ALL);
    layer.set_resize_mode(mode)?;
    // The outer dimensions stay.
    let scaled = draft.random.pick(&[1, 2, 2, 2, 3, 4]).min(rank);
    let mut output = dims.clone();
    for extent in &mut output[rank - scaled..] {
        *extent = if *extent < 0 && draft.random.one_in(2) { *extent } else { draft.random.pick(&[1, 2, 3, 4, 7, 8]) };
    }
    let output = if draft.random.one_in(6) { draft.nearly(&output) } else { output };
    match draft.random.below(6) {
        0 => draft.note("no size"),
        1 | 2 => {
            draft.note(format_args!("dims={output:?}"));
            layer.set_output_dims(&output[..])?;
        }
        3 | 4 => {
            let mut scales: Vec<f32> = dims.iter().map(|_| 1.0).collect();
            for scale in &mut scales[rank - scaled..] {
                *scale = draft.random.pick(&[0.5, 1.0, 1.5, 2.0, 2.0, 0.3, 3.7]);
            }
            if draft.random.one_in(8) {
                scales = [scales, vec![draft.random.pick(&[0.0, -1.0, 1.0, f32::NAN])]].concat();
                scales.truncate(8);
                let at = draft.random.below(scales.len());
                scales[at] = draft.random.pick(&[0.0, -1.0, 1.0, f32::INFINITY]);
            }
            draft.note(format_args!("scales={scales:?}"));
            layer.set_scales(&scales)?;
        }
        _ => {
            let shape = draft.shape_tensor(&output)?;
            layer.set_input(1, shape)?;
        }
    }
    Ok(layer.as_any())
}

pub(super) fn grid_sample<'n>(draft: &mut Draft<'n>) -> Result<Layer<'n>> {
    let data_type = draft.data_type(FLOATS);
    let grid_type = if draft.random.one_in(8) { draft.data_type(FLOATS) } else { data_type };
    let dims = draft.extents(4);
    let grid = [dims[0], draft.extent(), draft.extent(), 2];
    let (dims, grid) = (draft.broadcasting_rarely(&dims), draft.broadcasting_rarely(&grid));
    let (input, grid) = (draft.tensor(data_type, &dims)?, draft.tensor(grid_type, &grid)?);
    let layer = draft.network.add_grid_sample(input, grid)?;
    let (mode, sample) = (draft.pick(InterpolationMode::ALL), draft.pick(SampleMode::ALL));
    layer.set_interpolation_mode(mode)?;
    layer.set_sample_mode(sample)?;
    Ok(layer.as_any())
}
