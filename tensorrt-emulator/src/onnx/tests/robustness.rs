//! No bytes make the importer panic or allocate beyond reason.

use super::*;
use crate::onnx::check;

/// A model with weights, attributes of all kinds, dynamic dimensions and a shape computation.
fn sample() -> Build {
    model(13)
        .input("x", 1, &["N", "3", "8", "8"])
        .weights(floats("k", &[4, 3, 3, 3], &[0.125; 108]))
        .weights(floats("b", &[4], &[0.5; 4]))
        .weights(int64s("starts", &[1]))
        .weights(int64s("ends", &[3]))
        .weights(int64s("axes", &[2]))
        .weights(int64s("rest", &[-1]))
        .weights(int64s("zero", &[0]))
        .weights(int64s("pads", &[0, 0, 1, 1, 0, 0, 1, 1]))
        .node("Conv", &["x", "k", "b"], &["c"], &[ints("pads", &[1, 1, 1, 1]), text("auto_pad", "NOTSET")])
        .node("Pad", &["c", "pads"], &["p"], &[])
        .node("MaxPool", &["p"], &["m"], &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])])
        .node("Slice", &["m", "starts", "ends", "axes"], &["s"], &[])
        .node("Shape", &["s"], &["d"], &[])
        .node("Gather", &["d", "zero"], &["n"], &[int("axis", 0)])
        .node("Concat", &["n", "rest"], &["t"], &[int("axis", 0)])
        .node("Reshape", &["s", "t"], &["f"], &[])
        .node("Gemm", &["f", "w"], &["g"], &[float("alpha", 0.5), int("transB", 1)])
        .weights(floats("w", &[2, 40], &[0.0; 80]))
        .node("Resize", &["c", "", "sc"], &["r"], &[text("mode", "linear")])
        .weights(floats("sc", &[4], &[1.0, 1.0, 2.0, 2.0]))
        .node("Split", &["r"], &["r1", "r2"], &[int("axis", 1)])
        .node("Softmax", &["g"], &["y"], &[int("axis", -1)])
        .output("y")
        .output("r2")
}

fn feed(bytes: &[u8]) {
    if let Ok(model) = Model::from_bytes(bytes.to_vec(), None) {
        let _ = check(&model);
        let _ = Importer::new().import(&model, &mut Network::new());
    }
}

#[test]
fn the_sample_itself_is_sound() {
    let network = sample().import().unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(result(&network).0, [-1, 2]);
    assert_eq!(check(&sample().load()).problems, []);
}

#[test]
fn truncations_are_errors_or_smaller_models() {
    let bytes = sample().bytes();
    for end in 0..bytes.len() {
        feed(&bytes[..end]);
    }
}

/// xorshift64*: the mutations are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap()
    }
}

#[test]
fn mutations_are_errors_or_other_models() {
    let bytes = sample().bytes();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..3000 {
        let mut mutated = bytes.clone();
        for _ in 0..=random.next() % 4 {
            let at = random.next() % mutated.len();
            match random.next() % 4 {
                0 => mutated[at] = [0, 1, 0x7F, 0x80, 0xFF][random.next() % 5],
                1 => mutated[at] ^= 1 << (random.next() % 8),
                2 => {
                    mutated.remove(at);
                }
                _ => mutated.insert(at, random.next().to_le_bytes()[0]),
            }
        }
        feed(&mutated);
    }
}

/// Every integer of the model replaced by extremes, one at a time: the mutations that survive decoding.
#[test]
fn extreme_numbers_are_errors_or_other_models() {
    let base = sample();
    for value in [i64::MIN, i64::MIN + 1, -2, -1, 0, 1, 7, 1 << 31, 1 << 40, i64::MAX] {
        let graph = base.0.graph.as_ref().unwrap();
        for (n, node) in graph.node.iter().enumerate() {
            for (a, attribute) in node.attribute.iter().enumerate() {
                for i in 0..attribute.ints.len().max(1) {
                    let mut build = base.clone();
                    let attribute = &mut build.graph().node[n].attribute[a];
                    match attribute.ints.get_mut(i) {
                        Some(slot) => *slot = value,
                        None => attribute.i = Some(value),
                    }
                    feed(&build.bytes());
                }
            }
        }
        for t in 0..graph.initializer.len() {
            for i in 0..graph.initializer[t].int64_data.len() {
                let mut build = base.clone();
                build.graph().initializer[t].int64_data[i] = value;
                feed(&build.bytes());
            }
            for i in 0..graph.initializer[t].dims.len() {
                let mut build = base.clone();
                build.graph().initializer[t].dims[i] = value;
                feed(&build.bytes());
            }
        }
        for d in 0..4 {
            let mut build = base.clone();
            build.graph().input[0] = info("x", 1, &["N", "3", "8", "8"].map(|s| s));
            if let Some(type_proto::Value::TensorType(tensor)) =
                build.graph().input[0].r#type.as_mut().and_then(|t| t.value.as_mut())
            {
                tensor.shape.as_mut().unwrap().dim[d].value = Some(dimension::Value::DimValue(value));
            }
            feed(&build.bytes());
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    // A graph in an attribute of a node of a graph, over and over: fields 6, 5 and 1; the outermost is field 7 of the model.
    let mut bytes = Vec::new();
    let tags = [0x32, 0x2A, 0x0A].into_iter().cycle().take(300).chain([0x3A]);
    for tag in tags {
        let mut next = vec![tag];
        prost::encoding::encode_varint(u64::try_from(bytes.len()).unwrap(), &mut next);
        next.extend_from_slice(&bytes);
        bytes = next;
    }
    let error = Model::from_bytes(bytes, None).unwrap_err();
    assert!(error.message.contains("recursion"), "{error}");
}

#[test]
fn files_that_are_not_models_are_refused() {
    for bytes in [&b""[..], b"x", &[b'x'; 100], &[0xFF; 64], b"{\"json\": 1}", &[0; 16]] {
        assert!(Model::from_bytes(bytes.to_vec(), None).is_err(), "{bytes:?}");
    }
    // A length of 2^60 for the graph: refused without reserving it.
    let huge = [0x3A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00];
    assert!(Model::from_bytes(huge.to_vec(), None).is_err());
    assert!(Model::from_file("/nonexistent/model.onnx").is_err());
}
