//! Matrix products `out[m][n] = bias[m] + Σ_k a[m][k] · b[k][n]`, the core of convolution and matrix multiplication.
//!
//! The left side is packed into panels of [`rows`](TileShape::rows) rows. The right side is read in place through one offset per k, so that a
//! convolution reads its (padded) image directly: row k of the product's right side is the image shifted by the k-th kernel element. Sums run
//! over k in order within one output element, whatever the number of threads or the position of the tile.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::simd::{Isa, Op, Simd, dispatch_on};
use super::workspace::Buffer;

/// The most rows in a panel of the left side.
const MAX_ROWS: usize = 8;
/// The most columns in a tile: three vectors of sixteen.
const MAX_COLUMNS: usize = 48;
/// The bytes of packed left side that are kept hot in the second-level cache while tiles go over all columns.
const LEFT_BLOCK_BYTES: usize = 1 << 20;
/// The length of the sums that are done at once, so that a panel of the left side stays in the first-level cache.
const DEPTH_BLOCK: usize = 512;
/// Below this many multiply-adds a product is not worth a second thread.
const PARALLEL_WORK: usize = 1 << 17;

/// The tile that the registers of an instruction set hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileShape {
    /// Rows of a panel of the left side.
    pub rows: usize,
    /// Columns of a panel of the right side.
    pub columns: usize,
}

impl TileShape {
    /// The tile of `isa`.
    pub const fn of(isa: Isa) -> Self {
        let rows = match isa {
            Isa::Avx512 => MAX_ROWS,
            Isa::Avx2 | Isa::Portable => 4,
        };
        Self { rows, columns: 3 * isa.lanes() }
    }
}

/// A left side of `rows` × `depth`, packed panel by panel; the last panel is as high as it needs to be (1, 4 or 8 rows, padded by zeros).
#[derive(Debug)]
pub struct Left {
    isa: Isa,
    rows: usize,
    depth: usize,
    data: Buffer,
}

/// The height of a panel with `rows` rows in use, of at most `full`.
#[inline(always)]
fn panel_height(rows: usize, full: usize) -> usize {
    match rows {
        1 => 1,
        2..=4 => 4,
        _ => full,
    }
}

/// The panels of `rows` rows: (first row, rows in the panel), full ones first.
fn panels(isa: Isa, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let full = TileShape::of(isa).rows;
    (0..rows).step_by(full).map(move |start| {
        let left = rows - start;
        (start, panel_height(left.min(full), full))
    })
}

impl Left {
    /// Packs the matrix whose element (m, k) is `data[m * row_stride + k * column_stride]`.
    ///
    /// # Panics
    /// `data` is too short.
    pub fn pack(data: &[f32], rows: usize, depth: usize, row_stride: usize, column_stride: usize) -> Self {
        let isa = Isa::detect();
        let total: usize = panels(isa, rows).map(|(_, height)| height * depth).sum();
        let mut packed = Buffer::take(total);
        let mut rest = &mut packed[..];
        for (start, height) in panels(isa, rows) {
            let (panel, after) = rest.split_at_mut(height * depth);
            rest = after;
            if rows - start < height {
                panel.fill(0.0);
            }
            for row in start..rows.min(start + height) {
                let from = row * row_stride;
                let slots = panel.iter_mut().skip(row - start).step_by(height);
                if column_stride == 1 {
                    slots.zip(&data[from..from + depth]).for_each(|(slot, &value)| *slot = value);
                } else {
                    slots.enumerate().for_each(|(k, slot)| *slot = data[from + k * column_stride]);
                }
            }
        }
        Self { isa, rows, depth, data: packed }
    }

    /// The row of a left side of one row.
    pub fn single_row(&self) -> Option<&[f32]> {
        (self.rows == 1).then_some(&*self.data)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns: the length of the sums.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// A right side: element (k, n) of panel `n / columns` is `data[panel * panel_stride + offsets[k] + n % columns]`.
#[derive(Debug, Clone, Copy)]
pub struct Right<'a> {
    /// The elements.
    pub data: &'a [f32],
    /// The offset of row k.
    pub offsets: &'a [u32],
    /// The distance between panels: the tile's columns for rows that are contiguous.
    pub panel_stride: usize,
    /// The number of columns.
    pub columns: usize,
}

/// A right side packed into panels, zeros after the last column.
#[derive(Debug)]
pub struct PackedRight {
    columns: usize,
    panel: usize,
    offsets: Vec<u32>,
    data: Buffer,
}

impl PackedRight {
    /// Packs the matrix whose element (k, n) is `data[k * row_stride + n * column_stride]`.
    ///
    /// # Panics
    /// `data` is too short.
    pub fn pack(data: &[f32], depth: usize, columns: usize, row_stride: usize, column_stride: usize) -> Self {
        let panel = TileShape::of(Isa::detect()).columns;
        let mut packed = Buffer::take(columns.div_ceil(panel) * panel * depth);
        if depth > 0 {
            for (p, block) in packed.chunks_exact_mut(panel * depth).enumerate() {
                let (start, width) = (p * panel, panel.min(columns - p * panel));
                if width < panel {
                    block.fill(0.0);
                }
                if column_stride == 1 {
                    for (k, row) in block.chunks_exact_mut(panel).enumerate() {
                        let from = k * row_stride + start;
                        row[..width].copy_from_slice(&data[from..from + width]);
                    }
                } else {
                    for j in 0..width {
                        let column = (start + j) * column_stride;
                        for (k, slot) in block.iter_mut().skip(j).step_by(panel).enumerate() {
                            *slot = data[column + k * row_stride];
                        }
                    }
                }
            }
        }
        Self { columns, panel, offsets: packed_offsets(depth, panel), data: packed }
    }

    /// The number of rows: the length of the sums.
    pub fn depth(&self) -> usize {
        self.offsets.len()
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The packed matrix as a right side.
    pub fn as_right(&self) -> Right<'_> {
        Right {
            data: &self.data,
            offsets: &self.offsets,
            panel_stride: self.panel * self.offsets.len(),
            columns: self.columns,
        }
    }
}

/// The offsets of a packed panel.
fn packed_offsets(depth: usize, panel: usize) -> Vec<u32> {
    (0..depth).map(|k| u32::try_from(k * panel).unwrap_or(u32::MAX)).collect()
}

/// Where column n of the product goes: the product runs over a grid with gaps, the output has none.
///
/// Column n is point (plane, row, x) of a grid of `row_stride` points a row and `plane_rows` rows a plane; points with x ≥ `width` or
/// row ≥ `height` are dropped.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// Columns kept of each row.
    pub width: usize,
    /// Columns in each row.
    pub row_stride: usize,
    /// Rows kept of each plane.
    pub height: usize,
    /// Rows in each plane.
    pub plane_rows: usize,
}

impl Grid {
    /// No gaps: column n stays column n.
    pub fn dense(columns: usize) -> Self {
        Self { width: columns, row_stride: columns.max(1), height: 1, plane_rows: 1 }
    }

    fn is_dense(&self) -> bool {
        self.width == self.row_stride && self.height == self.plane_rows
    }

    /// The end of the furthest output stretch that `columns` columns (at least one) reach.
    fn extent(&self, columns: usize) -> usize {
        let (row, x) = ((columns - 1) / self.row_stride, (columns - 1) % self.row_stride);
        let (plane, y) = (row / self.plane_rows, row % self.plane_rows);
        if y < self.height {
            (plane * self.height + y) * self.width + self.width.min(x + 1)
        } else {
            (plane + 1) * self.height * self.width
        }
    }

    /// The stretches of kept points among the columns `start..end`.
    fn stretches(&self, start: usize, end: usize) -> Stretches {
        let mut stretches = Stretches { all: [Stretch::default(); MAX_COLUMNS], count: 0 };
        let mut n = start;
        while n < end {
            let (row, x) = (n / self.row_stride, n % self.row_stride);
            let (plane, y) = (row / self.plane_rows, row % self.plane_rows);
            if x < self.width && y < self.height {
                let len = (n - x + self.width).min(end) - n;
                let to = (plane * self.height + y) * self.width + x;
                stretches.all[stretches.count] = Stretch { from: n - start, to, len };
                stretches.count += 1;
            }
            n = n - x + self.row_stride;
        }
        stretches
    }
}

/// Columns of a tile that are contiguous in the output: from column `from` of the tile to position `to` of the output's row.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    from: usize,
    to: usize,
    len: usize,
}

/// The stretches of one panel of columns.
struct Stretches {
    all: [Stretch; MAX_COLUMNS],
    count: usize,
}

/// The output of a product: one row of `stride` elements per row of the left side.
struct Out<'a> {
    data: *mut f32,
    len: usize,
    stride: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: tasks write through the pointer only inside the rows and columns of their own tiles, which do not overlap.
unsafe impl Send for Out<'_> {}
// SAFETY: as for `Send`; nothing reads through the pointer while tasks run.
unsafe impl Sync for Out<'_> {}

/// Computes `out[m * out_stride + grid(n)] = bias[m] + Σ_k left[m][k] · right[k][n]`; no bias counts as zeros.
///
/// # Panics
/// The right side, the bias or the output is shorter than the shapes say, or the left side's depth is not the right side's.
pub fn multiply(left: &Left, right: Right<'_>, bias: Option<&[f32]>, grid: Grid, out: &mut [f32], out_stride: usize) {
    if left.rows == 0 || right.columns == 0 {
        return;
    }
    assert_eq!(left.depth, right.offsets.len(), "depths differ");
    assert!(bias.is_none_or(|bias| bias.len() >= left.rows), "the bias is too short");
    let shape = TileShape::of(left.isa);
    let lanes = left.isa.lanes();
    let last_panel = (right.columns - 1) / shape.columns;
    let last_width = right.columns - last_panel * shape.columns;
    let furthest = right.offsets.iter().max().map_or(0, |&max| max as usize);
    let (last, before) = (last_panel * right.panel_stride, last_panel.saturating_sub(1) * right.panel_stride);
    let needed = if last_panel > 0 { (last + last_width).max(before + shape.columns) } else { last + last_width };
    assert!(left.depth == 0 || furthest + needed <= right.data.len(), "the right side is too short");
    // Vectors of the last panel may reach beyond the data: then that panel alone is packed.
    let padded_width = last_width.div_ceil(lanes) * lanes;
    let tail = (left.depth > 0 && furthest + last + padded_width > right.data.len())
        .then(|| Tail::pack(&right, last, last_width, padded_width));
    let kept = grid.extent(right.columns);
    assert!((left.rows - 1) * out_stride + kept <= out.len() && kept <= out_stride, "the output is too short");

    let target = Out { data: out.as_mut_ptr(), len: out.len(), stride: out_stride, lifetime: PhantomData };
    let product = Product { left, right, tail, bias, grid, out: &target, shape };
    let (row_panels, column_panels) = (left.rows.div_ceil(shape.rows), last_panel + 1);
    let threads = rayon::current_num_threads();
    if threads == 1 || left.rows * right.columns * left.depth.max(1) < PARALLEL_WORK {
        product.run(0..row_panels, 0..column_panels);
    } else if column_panels >= 2 * threads || column_panels >= row_panels {
        let step = column_panels.div_ceil(4 * threads);
        (0..column_panels.div_ceil(step)).into_par_iter().for_each(|i| {
            product.run(0..row_panels, i * step..column_panels.min((i + 1) * step));
        });
    } else {
        let step = row_panels.div_ceil(4 * threads);
        (0..row_panels.div_ceil(step)).into_par_iter().for_each(|i| {
            product.run(i * step..row_panels.min((i + 1) * step), 0..column_panels);
        });
    }
}

/// A copy of the last panel, zeros after its last column.
struct Tail {
    data: Buffer,
    offsets: Vec<u32>,
}

impl Tail {
    fn pack(right: &Right<'_>, start: usize, width: usize, padded_width: usize) -> Self {
        let mut data = Buffer::take(right.offsets.len() * padded_width);
        for (row, &offset) in data.chunks_exact_mut(padded_width).zip(right.offsets) {
            let from = start + offset as usize;
            row[..width].copy_from_slice(&right.data[from..from + width]);
            row[width..].fill(0.0);
        }
        Self { data, offsets: packed_offsets(right.offsets.len(), padded_width) }
    }
}

struct Product<'a> {
    left: &'a Left,
    right: Right<'a>,
    tail: Option<Tail>,
    bias: Option<&'a [f32]>,
    grid: Grid,
    out: &'a Out<'a>,
    shape: TileShape,
}

impl Product<'_> {
    fn run(&self, row_panels: Range<usize>, column_panels: Range<usize>) {
        dispatch_on(self.left.isa, Tiles { product: self, row_panels, column_panels });
    }
}

struct Tiles<'a> {
    product: &'a Product<'a>,
    row_panels: Range<usize>,
    column_panels: Range<usize>,
}

impl Op for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let product = self.product;
        let depth = product.left.depth;
        let long = depth > DEPTH_BLOCK + DEPTH_BLOCK / 2 && product.grid.is_dense();
        let part = if long { DEPTH_BLOCK } else { depth.max(1) };
        let panel_bytes = product.shape.rows * part * size_of::<f32>();
        let block = (LEFT_BLOCK_BYTES / panel_bytes).max(1);
        let mut start = self.row_panels.start;
        while start < self.row_panels.end {
            let end = self.row_panels.end.min(start + block);
            let mut k = 0;
            loop {
                let ks = k..depth.min(k + part);
                for column_panel in self.column_panels.clone() {
                    let panel = Panel::new(product, column_panel, ks.clone());
                    for row_panel in start..end {
                        panel.tile(simd, product, row_panel);
                    }
                }
                k += part;
                if k >= depth {
                    break;
                }
            }
            start = end;
        }
    }
}

/// One panel of columns over a part of the sums.
struct Panel<'a> {
    first_column: usize,
    columns: usize,
    /// The part of the sums.
    ks: Range<usize>,
    b: &'a [f32],
    offsets: &'a [u32],
    /// Where columns go, unless column n goes to n and the panel is whole vectors.
    stretches: Option<Stretches>,
}

impl<'a> Panel<'a> {
    #[inline(always)]
    fn new(product: &'a Product<'a>, column_panel: usize, ks: Range<usize>) -> Self {
        let Product { left, right, tail, grid, shape, .. } = product;
        let first_column = column_panel * shape.columns;
        let columns = shape.columns.min(right.columns - first_column);
        let is_last = first_column + columns == right.columns;
        let (b, offsets) = match tail {
            Some(tail) if is_last => (&*tail.data, &*tail.offsets),
            _ => (right.data.get(column_panel * right.panel_stride..).unwrap_or(&[]), right.offsets),
        };
        let direct = grid.is_dense() && columns.is_multiple_of(left.isa.lanes());
        let stretches = (!direct).then(|| grid.stretches(first_column, first_column + columns));
        Self { first_column, columns, offsets: &offsets[ks.clone()], ks, b, stretches }
    }

    /// One tile, through the kernel that fits its height and width.
    #[inline(always)]
    fn tile<S: Simd>(&self, simd: S, product: &Product<'_>, row_panel: usize) {
        let Product { left, bias, out, shape, .. } = product;
        let first_row = row_panel * shape.rows;
        let rows = shape.rows.min(left.rows - first_row);
        let height = panel_height(rows, shape.rows);
        let a = &left.data[first_row * left.depth + self.ks.start * height..];
        let mut init = [0.0; MAX_ROWS];
        if let Some(bias) = bias {
            init[..rows].copy_from_slice(&bias[first_row..first_row + rows]);
        }
        let init = (self.ks.start == 0).then_some(&init);
        let vectors = self.columns.div_ceil(S::LANES);
        let part = Part { a, b: self.b, offsets: self.offsets, init };
        if self.stretches.is_none() && rows == height {
            let at = first_row * out.stride + self.first_column;
            debug_assert!(at + (rows - 1) * out.stride + self.columns <= out.len);
            // SAFETY: `multiply` checked that the output holds the last row's last column; this tile lies before it.
            let to = unsafe { out.data.add(at) };
            // SAFETY: the tile is as wide as its vectors and as high as the kernel's rows, so all of it lies in the output; see `Out` for
            // overlap. The left and right sides were checked by `Left::pack` and `multiply`.
            unsafe { kernel(simd, vectors, height, part, to, out.stride) };
            return;
        }
        let whole = [Stretch { from: 0, to: self.first_column, len: self.columns }];
        let stretches = self.stretches.as_ref().map_or(&whole[..], |s| &s.all[..s.count]);
        let mut buffer = [0.0f32; MAX_ROWS * MAX_COLUMNS];
        if init.is_none() {
            for row in 0..rows {
                for stretch in stretches {
                    // SAFETY: `multiply` checked that every kept column lies in the output's row.
                    let from = unsafe { out.data.add((first_row + row) * out.stride + stretch.to) };
                    let to = buffer[row * MAX_COLUMNS + stretch.from..][..stretch.len].as_mut_ptr();
                    // SAFETY: as above; the buffer is a local of this function, so it does not overlap the output.
                    unsafe { to.copy_from_nonoverlapping(from, stretch.len) };
                }
            }
        }
        // SAFETY: the buffer holds the largest tile; the left and right sides were checked by `Left::pack` and `multiply`.
        unsafe { kernel(simd, vectors, height, part, buffer.as_mut_ptr(), MAX_COLUMNS) };
        for row in 0..rows {
            for stretch in stretches {
                let from = buffer[row * MAX_COLUMNS + stretch.from..][..stretch.len].as_ptr();
                // SAFETY: `multiply` checked that every kept column lies in the output's row.
                let to = unsafe { out.data.add((first_row + row) * out.stride + stretch.to) };
                // SAFETY: as above; the buffer is a local of this function, so it does not overlap the output.
                unsafe { to.copy_from_nonoverlapping(from, stretch.len) };
            }
        }
    }
}

/// What one call of the kernel sums up.
#[derive(Clone, Copy)]
struct Part<'a> {
    a: &'a [f32],
    b: &'a [f32],
    offsets: &'a [u32],
    /// What each row starts from; what the tile holds where absent.
    init: Option<&'a [f32; MAX_ROWS]>,
}

/// # Safety
/// As [`fixed`], with `height` rows.
#[inline(always)]
unsafe fn kernel<S: Simd>(simd: S, vectors: usize, height: usize, part: Part<'_>, to: *mut f32, stride: usize) {
    macro_rules! call {
        ($rows:literal, $vectors:literal) => {
            // SAFETY: this function's own condition.
            unsafe { fixed::<S, $rows, $vectors>(simd, part, to, stride) }
        };
    }
    let high = S::LANES == 16;
    match (height, vectors) {
        (1, 1) => call!(1, 1),
        (1, 2) => call!(1, 2),
        (1, _) => call!(1, 3),
        (4, 1) => call!(4, 1),
        (4, 2) => call!(4, 2),
        (4, _) => call!(4, 3),
        (_, 1) if high => call!(8, 1),
        (_, 2) if high => call!(8, 2),
        (_, _) if high => call!(8, 3),
        _ => {}
    }
}

/// One tile of `ROWS` × `VECTORS` vectors.
///
/// # Safety
/// `a` holds `ROWS` elements per offset; `b` holds `VECTORS` vectors from each offset on; `to` takes `ROWS` rows of `VECTORS` vectors, `stride`
/// apart, and holds them already where there is no `init`.
#[inline(always)]
unsafe fn fixed<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    part: Part<'_>,
    to: *mut f32,
    stride: usize,
) {
    let Part { a, b, offsets, init } = part;
    debug_assert!(a.len() >= ROWS * offsets.len());
    let mut acc = [[simd.splat(0.0); VECTORS]; ROWS];
    if let Some(init) = init {
        for (row, &value) in acc.iter_mut().zip(init) {
            *row = [simd.splat(value); VECTORS];
        }
    } else {
        for (i, row) in acc.iter_mut().enumerate() {
            for (j, sum) in row.iter_mut().enumerate() {
                // SAFETY: the caller promises that the tile is there.
                let at = unsafe { to.add(i * stride + j * S::LANES) };
                // SAFETY: as above.
                *sum = unsafe { simd.load(at) };
            }
        }
    }
    let b = b.as_ptr();
    for (&offset, a) in offsets.iter().zip(a.as_chunks::<ROWS>().0) {
        // SAFETY: the caller promises the elements from each offset on.
        let line = unsafe { b.add(offset as usize) };
        let mut vectors = [simd.splat(0.0); VECTORS];
        for (j, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: the caller promises `VECTORS` vectors.
            let from = unsafe { line.add(j * S::LANES) };
            // SAFETY: as above.
            *vector = unsafe { simd.load(from) };
        }
        for (row, &value) in acc.iter_mut().zip(a) {
            let value = simd.splat(value);
            for (sum, &vector) in row.iter_mut().zip(&vectors) {
                *sum = simd.mul_add(value, vector, *sum);
            }
        }
    }
    for (i, row) in acc.iter().enumerate() {
        for (j, &sum) in row.iter().enumerate() {
            // SAFETY: the caller promises room for the tile.
            let at = unsafe { to.add(i * stride + j * S::LANES) };
            // SAFETY: as above.
            unsafe { simd.store(at, sum) };
        }
    }
}
