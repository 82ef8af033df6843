//! Models to start from.

use std::path::{Path, PathBuf};

use prost::Message as _;
use tensorrt_emulator::onnx::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, dimension, type_proto,
};

/// Models up to this many bytes are mutated; larger ones cost too much time each.
const LARGEST: u64 = 160 << 10;

/// A model, and where its external data lies.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) folder: Option<PathBuf>,
}

/// Every model there is: those in the code, the fixtures, the examples', and ONNX's node tests.
pub(crate) fn all() -> Vec<Seed> {
    let mut seeds = generated();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    find(&root.join("tests/data"), &mut seeds);
    find(&root.join("examples"), &mut seeds);
    if let Some(folder) = std::env::var_os("TENSORRT_TEST_ONNX_NODE") {
        find(Path::new(&folder), &mut seeds);
    }
    seeds
}

fn find(folder: &Path, seeds: &mut Vec<Seed>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, seeds);
        } else if path.extension().is_some_and(|extension| extension == "onnx")
            && path.metadata().is_ok_and(|meta| meta.len() <= LARGEST)
            && let Ok(bytes) = std::fs::read(&path)
        {
            let name = path.strip_prefix(folder.parent().unwrap_or(folder)).unwrap_or(&path).display().to_string();
            seeds.push(Seed { name, bytes, folder: Some(folder.to_path_buf()) });
        }
    }
}

/// One node each: the operator, its inputs as `name:type[dims]`, with `=value` those that are weights, and attributes as `name=integers`,
/// `name~number` or `name"text`. Types are ONNX's numbers.
const NODES: [&str; 24] = [
    "Conv x:1[1,2,8,8] w:1[4,2,3,3]=0.5 b:1[4]=1 pads=1,1,1,1 strides=2,2 group=1",
    "ConvTranspose x:1[1,2,4,4] w:1[2,3,3,3]=0.5 strides=2,2 output_padding=1,1",
    "Gemm a:1[2,3] b:1[3,4]=1 c:1[4]=2 alpha~0.5 transA=0",
    "MatMul a:1[-1,2,3] b:1[3,4]=1",
    "MaxPool x:1[1,2,8,8] kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1",
    "AveragePool x:1[1,2,8,8] kernel_shape=3,3 auto_pad\"SAME_UPPER count_include_pad=1",
    "Reshape x:1[3,3] shape:7[2]=3 allowzero=0",
    "Expand x:1[3,1] shape:7[3]=3",
    "Tile x:1[2,3] repeats:7[2]=2",
    "Range start:7[]=0 limit:7[]=6 delta:7[]=1",
    "ConstantOfShape shape:7[2]=4",
    "Slice x:1[4,6] starts:7[1]=1 ends:7[1]=3 axes:7[1]=1 steps:7[1]=1",
    "Pad x:1[2,3] pads:7[4]=1 value:1[]=0.5 mode\"constant",
    "Resize x:1[1,1,4,4] roi:1[0]=0 scales:1[4]=2 mode\"linear",
    "Gather x:1[4,3] i:7[2]=1 axis=0",
    "ScatterND x:1[4] i:7[2,1]=1 u:1[2]=5",
    "TopK x:1[3,6] k:7[1]=2 axis=-1 largest=1",
    "Einsum a:1[2,3] b:1[3,4] equation\"ij,jk->ik",
    "ReduceSum x:1[2,3,4] axes:7[1]=1 keepdims=0",
    "QuantizeLinear x:1[2,3] s:1[]=0.1 z:3[]=0",
    "LSTM x:1[4,2,3] w:1[1,20,3]=0.1 r:1[1,20,5]=0.1 hidden_size=5",
    "NonZero x:1[3,4]",
    "OneHot i:7[3] d:7[]=4 v:1[2]=1 axis=-1",
    "LayerNormalization x:1[2,4] s:1[4]=1 axis=-1 epsilon~0.001",
];

/// One model a node above.
pub(crate) fn generated() -> Vec<Seed> {
    NODES
        .iter()
        .map(|line| Seed {
            name: line.split(' ').next().unwrap_or_default().to_owned(),
            bytes: model(line),
            folder: None,
        })
        .collect()
}

fn numbers<T: std::str::FromStr>(list: &str) -> Vec<T> {
    list.split(',').filter_map(|number| number.parse().ok()).collect()
}

pub(crate) fn value_info(name: &str, elem_type: i32, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&extent| Dimension { value: (extent >= 0).then_some(dimension::Value::DimValue(extent)) })
        .collect();
    let tensor = type_proto::Tensor { elem_type, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)) }),
    }
}

fn weights(name: &str, data_type: i32, dims: &[i64], value: &str) -> TensorProto {
    let count = usize::try_from(dims.iter().product::<i64>()).unwrap_or(0);
    let value: f32 = value.parse().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "the values above are small")]
    let element = match data_type {
        1 => value.to_le_bytes().to_vec(),
        7 => (value as i64).to_le_bytes().to_vec(),
        _ => vec![value.to_be_bytes()[3]],
    };
    let raw_data = Some(element.repeat(count).into());
    TensorProto { name: name.to_owned(), data_type, dims: dims.to_vec(), raw_data, ..TensorProto::default() }
}

fn model(line: &str) -> Vec<u8> {
    let mut words = line.split(' ');
    let mut graph = GraphProto { name: "seed".to_owned(), ..GraphProto::default() };
    let mut node = NodeProto {
        op_type: words.next().unwrap_or_default().to_owned(),
        output: vec!["y".to_owned()],
        ..NodeProto::default()
    };
    if node.op_type == "TopK" {
        node.output.push("indices".to_owned());
    }
    for word in words {
        if let Some((name, rest)) = word.split_once(':') {
            let (data_type, rest) = rest.split_once('[').unwrap_or((rest, ""));
            let (dims, value) = rest.split_once(']').unwrap_or((rest, ""));
            let (data_type, dims) = (data_type.parse().unwrap_or(1), numbers(dims));
            node.input.push(name.to_owned());
            match value.strip_prefix('=') {
                Some(value) => graph.initializer.push(weights(name, data_type, &dims, value)),
                None => graph.input.push(value_info(name, data_type, &dims)),
            }
        } else if let Some((name, f)) = word.split_once('~') {
            node.attribute.push(AttributeProto {
                name: name.to_owned(),
                r#type: 1,
                f: f.parse().ok(),
                ..AttributeProto::default()
            });
        } else if let Some((name, s)) = word.split_once('"') {
            let s = Some(s.to_owned().into_bytes().into());
            node.attribute.push(AttributeProto { name: name.to_owned(), r#type: 3, s, ..AttributeProto::default() });
        } else if let Some((name, ints)) = word.split_once('=') {
            let ints: Vec<i64> = numbers(ints);
            let attribute = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
            node.attribute.push(match ints[..] {
                [i] if !matches!(name, "axes" | "perm") => AttributeProto { r#type: 2, i: Some(i), ..attribute },
                _ => AttributeProto { r#type: 7, ints, ..attribute },
            });
        }
    }
    graph.output = node.output.iter().map(|name| value_info(name, 1, &[])).collect();
    graph.node.push(node);
    let opset = OperatorSetIdProto { domain: String::new(), version: 17 };
    ModelProto { ir_version: Some(8), graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() }
        .encode_to_vec()
}

#[test]
fn the_generated_models_are_sound() {
    use super::harness::{Stage, onnx};
    for seed in generated() {
        let stage = onnx(&seed.bytes, None).run();
        assert!(stage >= Stage::Built, "{}: {stage:?}", seed.name);
    }
}
