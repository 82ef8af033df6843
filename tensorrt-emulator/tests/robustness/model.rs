//! Mutations of models that keep them decodable: what a broken or malicious exporter might write.

use tensorrt_emulator::onnx::proto::{
    AttributeProto, Dimension, FunctionProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, dimension, type_proto,
};

use super::random::Random;

const STRINGS: [&str; 24] = [
    "",
    "SAME_UPPER",
    "SAME_LOWER",
    "VALID",
    "NOTSET",
    "linear",
    "cubic",
    "nearest",
    "reflect",
    "edge",
    "wrap",
    "constant",
    "half_pixel",
    "align_corners",
    "tf_crop_and_resize",
    "bidirectional",
    "reverse",
    "add",
    "max",
    "DCR",
    "ij,jk->ik",
    "...i->i...",
    "tanh",
    "\u{0}\u{7F}é",
];

/// The names of ONNX's operators.
fn operator(random: &mut Random) -> &'static str {
    let table = include_str!("../../src/onnx/operators.tsv");
    let lines = table.lines().count();
    let line = table.lines().nth(1 + random.below(lines - 1)).unwrap_or_default();
    line.split('\t').nth(1).unwrap_or_default()
}

/// Changes one to three things.
pub(crate) fn mutate(model: &mut ModelProto, random: &mut Random) {
    for _ in 0..[1, 1, 1, 2, 3][random.below(5)] {
        match random.below(12) {
            0 => header(model, random),
            _ => graph(pick_graph(model.graph.get_or_insert_default(), random), random),
        }
    }
}

/// The graph, or one inside of a node's attributes.
fn pick_graph<'g>(graph: &'g mut GraphProto, random: &mut Random) -> &'g mut GraphProto {
    let inner: Vec<(usize, usize)> = graph
        .node
        .iter()
        .enumerate()
        .flat_map(|(n, node)| {
            node.attribute.iter().enumerate().filter(|(_, a)| a.g.is_some()).map(move |(a, _)| (n, a))
        })
        .collect();
    match random.pick(&inner) {
        Some(&(n, a)) if random.one_in(2) => pick_graph(graph.node[n].attribute[a].g.get_or_insert_default(), random),
        _ => graph,
    }
}

fn header(model: &mut ModelProto, random: &mut Random) {
    match random.below(6) {
        0 => model.ir_version = Some(random.integer()),
        1 => {
            if let Some(import) = random.pick_mut(&mut model.opset_import) {
                import.version =
                    if random.one_in(3) { random.integer() } else { i64::try_from(7 + random.below(22)).unwrap_or(0) };
            }
        }
        2 => model.opset_import.clear(),
        3 => model.graph = None,
        _ => {
            // A function in the place of an operator that the model uses, made of itself or of another of the model's nodes.
            let nodes = model.graph.as_ref().map_or(&[][..], |graph| &graph.node);
            let (Some(outer), Some(inner)) = (random.pick(nodes), random.pick(nodes)) else { return };
            model.functions.push(FunctionProto {
                name: outer.op_type.clone(),
                domain: outer.domain.clone(),
                input: outer.input.clone(),
                output: outer.output.clone(),
                node: vec![inner.clone(); 1 + random.below(3)],
                opset_import: model.opset_import.clone(),
                ..FunctionProto::default()
            });
        }
    }
}

fn graph(graph: &mut GraphProto, random: &mut Random) {
    let names: Vec<String> = graph
        .node
        .iter()
        .flat_map(|node| node.input.iter().chain(&node.output))
        .cloned()
        .chain(graph.initializer.iter().map(|tensor| tensor.name.clone()))
        .chain(["".to_owned(), "nowhere".to_owned()])
        .collect();
    let nodes = graph.node.len();
    match random.below(16) {
        0..=3 => {
            if let Some(node) = random.pick_mut(&mut graph.node)
                && let Some(attribute) = random.pick_mut(&mut node.attribute)
            {
                self::attribute(attribute, random);
            }
        }
        4..=6 => {
            if let Some(found) = random.pick_mut(&mut graph.node) {
                node(found, &names, random);
            }
        }
        7 if nodes > 0 => {
            let (from, to) = (random.below(nodes), random.below(nodes));
            match random.below(4) {
                0 => drop(graph.node.remove(from)),
                1 => {
                    let copy = graph.node[from].clone();
                    graph.node.insert(to, copy);
                }
                2 => graph.node.swap(from, to),
                _ => nest(graph, from, 1 + random.below(40)),
            }
        }
        8..=11 => {
            if let Some(found) = random.pick_mut(&mut graph.initializer) {
                tensor(found, random);
            }
        }
        12 if !graph.initializer.is_empty() => {
            let count = graph.initializer.len();
            let (from, to) = (random.below(count), random.below(count));
            match random.below(4) {
                0 => drop(graph.initializer.remove(from)),
                1 => {
                    let copy = graph.initializer[from].clone();
                    graph.initializer.push(copy);
                }
                2 => {
                    let name = std::mem::take(&mut graph.initializer[from].name);
                    graph.initializer[from].name = std::mem::replace(&mut graph.initializer[to].name, name);
                }
                _ => {
                    // What was a constant becomes an input.
                    let tensor = graph.initializer.remove(from);
                    let dim =
                        tensor.dims.iter().map(|&d| Dimension { value: Some(dimension::Value::DimValue(d)) }).collect();
                    let kind =
                        type_proto::Tensor { elem_type: tensor.data_type, shape: Some(TensorShapeProto { dim }) };
                    let value = Some(type_proto::Value::TensorType(kind));
                    graph.input.push(ValueInfoProto { name: tensor.name, r#type: Some(TypeProto { value }) });
                }
            }
        }
        13..=14 => {
            if let Some(input) = random.pick_mut(&mut graph.input) {
                value(input, &names, random);
            }
        }
        _ => match random.below(4) {
            0 if !graph.output.is_empty() => drop(graph.output.pop()),
            1 => graph.input.extend(random.pick(&graph.output.clone()).cloned()),
            2 => {
                if let Some(name) = random.pick(&names) {
                    graph.output.push(ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() });
                }
            }
            _ => {
                if let Some(output) = random.pick_mut(&mut graph.output) {
                    value(output, &names, random);
                }
            }
        },
    }
}

/// Puts node `at` into the branches of `depth` conditionals.
fn nest(graph: &mut GraphProto, at: usize, depth: usize) {
    let mut inner = graph.node[at].clone();
    for _ in 0..depth {
        let branch = GraphProto {
            name: "branch".to_owned(),
            output: inner
                .output
                .iter()
                .map(|name| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() })
                .collect(),
            node: vec![inner.clone()],
            ..GraphProto::default()
        };
        let attribute = |name: &str| AttributeProto {
            name: name.to_owned(),
            r#type: 5,
            g: Some(branch.clone()),
            ..AttributeProto::default()
        };
        inner = NodeProto {
            op_type: "If".to_owned(),
            input: inner.input.iter().take(1).cloned().collect(),
            output: inner.output.clone(),
            attribute: if depth <= 3 {
                vec![attribute("then_branch"), attribute("else_branch")]
            } else {
                vec![attribute("then_branch")]
            },
            ..NodeProto::default()
        };
    }
    graph.node[at] = inner;
}

fn node(node: &mut NodeProto, names: &[String], random: &mut Random) {
    let name = random.pick(names).cloned().unwrap_or_default();
    match random.below(10) {
        0..=2 => {
            if let Some(slot) = random.pick_mut(&mut node.input) {
                *slot = name;
            }
        }
        3 => {
            if let Some(slot) = random.pick_mut(&mut node.output) {
                *slot = name;
            }
        }
        4 => node.input.push(name),
        5 => drop(node.input.pop()),
        6 => node.output.push(if random.one_in(2) { name } else { format!("new{}", random.below(100)) }),
        7 => drop(node.output.pop()),
        8 => node.op_type = operator(random).to_owned(),
        _ => match random.below(4) {
            0 => node.domain = "com.microsoft".to_owned(),
            1 => node.attribute.clear(),
            2 => node.attribute.extend(node.attribute.clone()),
            _ => node.attribute.push(AttributeProto {
                name: ["axis", "axes", "mode", "to", "k", "pads", "group", "keepdims", "blocksize", "num_heads"]
                    [random.below(10)]
                .to_owned(),
                r#type: 2,
                i: Some(random.integer()),
                ints: vec![random.integer(); random.below(4)],
                ..AttributeProto::default()
            }),
        },
    }
}

fn attribute(attribute: &mut AttributeProto, random: &mut Random) {
    match random.below(12) {
        0 => attribute.r#type = i32::try_from(random.below(16)).unwrap_or(0),
        1 => attribute.name = "axis".to_owned(),
        2 => {
            *attribute =
                AttributeProto { name: attribute.name.clone(), r#type: attribute.r#type, ..AttributeProto::default() }
        }
        3 => attribute.ints.push(random.integer()),
        4 => drop(attribute.ints.pop()),
        5 if !attribute.floats.is_empty() => {
            if let Some(slot) = random.pick_mut(&mut attribute.floats) {
                *slot = random.float();
            }
        }
        6 => attribute.ints = vec![random.integer(); random.below(12)],
        _ => {
            if let Some(slot) = random.pick_mut(&mut attribute.ints) {
                *slot = random.integer();
            } else if let Some(i) = &mut attribute.i {
                *i = random.integer();
            } else if let Some(f) = &mut attribute.f {
                *f = random.float();
            } else if let Some(s) = &mut attribute.s {
                *s = STRINGS[random.below(STRINGS.len())].into();
            } else if let Some(t) = &mut attribute.t {
                tensor(t, random);
            }
        }
    }
}

fn tensor(tensor: &mut TensorProto, random: &mut Random) {
    match random.below(14) {
        0 => tensor.data_type = i32::try_from(random.below(28)).unwrap_or(0),
        1 | 2 => {
            if let Some(slot) = random.pick_mut(&mut tensor.dims) {
                *slot = random.integer();
            }
        }
        3 => tensor.dims.push(random.integer()),
        4 => drop(tensor.dims.pop()),
        5 => {
            // Claims much and has nothing.
            tensor.dims = vec![random.integer(); 1 + random.below(9)];
            tensor.raw_data = None;
        }
        6 => {
            tensor.data_location = 1;
            let location =
                ["../../etc/passwd", "/etc/passwd", "", "weights.bin", "a/../../b", "/dev/zero", "."][random.below(7)];
            let number = random.integer();
            for (key, value) in
                [("location", location), ("offset", &number.to_string()), ("length", "99999999999999999999")]
            {
                if !random.one_in(4) {
                    tensor.external_data.push(StringStringEntryProto { key: key.to_owned(), value: value.to_owned() });
                }
            }
        }
        7 => {
            tensor.int64_data.push(random.integer());
            tensor.float_data.push(random.float());
        }
        _ => {
            let float = tensor.data_type == 1;
            if let Some(raw) = &tensor.raw_data {
                let mut raw = raw.to_vec();
                let at = random.below(raw.len());
                let wide =
                    if float { random.float().to_le_bytes().to_vec() } else { random.integer().to_le_bytes().to_vec() };
                let at = at / wide.len() * wide.len();
                if random.one_in(6) {
                    raw.truncate(at);
                } else if at + wide.len() <= raw.len() {
                    raw[at..at + wide.len()].copy_from_slice(&wide);
                } else {
                    raw.push(random.byte());
                }
                tensor.raw_data = Some(raw.into());
            } else if let Some(slot) = random.pick_mut(&mut tensor.int64_data) {
                *slot = random.integer();
            } else if let Some(slot) = random.pick_mut(&mut tensor.float_data) {
                *slot = random.float();
            } else if let Some(slot) = random.pick_mut(&mut tensor.int32_data) {
                *slot = i32::try_from(random.integer()).unwrap_or(i32::MIN);
            }
        }
    }
}

fn value(info: &mut ValueInfoProto, names: &[String], random: &mut Random) {
    let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_mut().and_then(|t| t.value.as_mut()) else {
        info.name = random.pick(names).cloned().unwrap_or_default();
        return;
    };
    let dims = tensor.shape.get_or_insert_default();
    match random.below(8) {
        0 => info.name = random.pick(names).cloned().unwrap_or_default(),
        1 => tensor.elem_type = i32::try_from(random.below(28)).unwrap_or(0),
        2 => tensor.shape = None,
        3 => dims.dim.push(Dimension { value: Some(dimension::Value::DimValue(random.integer())) }),
        4 => drop(dims.dim.pop()),
        5 => {
            if let Some(dim) = random.pick_mut(&mut dims.dim) {
                dim.value = Some(dimension::Value::DimParam(["N", "M", ""][random.below(3)].to_owned()));
            }
        }
        _ => {
            if let Some(dim) = random.pick_mut(&mut dims.dim) {
                dim.value = Some(dimension::Value::DimValue(random.integer()));
            }
        }
    }
}
