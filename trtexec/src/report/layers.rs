//! The layers of an engine.

use serde::Serialize;
use serde_json::Value as Json;
use tensorrt::{Engine, LayerInformationFormat};

use super::Table;
use crate::failure::{Failure, Result};

/// A layer as the engine's inspector tells it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayerReport {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layer_type: Option<String>,
    /// `name: 1x3x8x8`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outputs: Vec<String>,
}

/// Asks an engine about its layers.
pub(crate) fn layers(engine: &Engine) -> Result<Vec<LayerReport>> {
    let text = engine.inspector()?.engine_information(LayerInformationFormat::Json)?;
    read(&text)
}

/// Reads what the inspector says: a name a layer, or an object if the engine was built to tell everything.
fn read(text: &str) -> Result<Vec<LayerReport>> {
    let odd = || Failure::new("read the engine's layers", "the inspector's answer is not understood");
    let document: Json = serde_json::from_str(text).map_err(|_| odd())?;
    let layers = document.get("Layers").and_then(Json::as_array).ok_or_else(odd)?;
    layers.iter().map(|layer| LayerReport::read(layer).ok_or_else(odd)).collect()
}

impl LayerReport {
    fn read(layer: &Json) -> Option<Self> {
        if let Some(name) = layer.as_str() {
            return Some(Self { name: name.to_owned(), layer_type: None, outputs: Vec::new() });
        }
        let outputs = layer.get("Outputs").and_then(Json::as_array).into_iter().flatten().map(|output| {
            let name = output.get("Name").and_then(Json::as_str).unwrap_or("?");
            let dims = output.get("Dimensions").and_then(Json::as_array).into_iter().flatten();
            let dims: Vec<String> = dims.map(Json::to_string).collect();
            format!("{name}: {}", if dims.is_empty() { "scalar".to_owned() } else { dims.join("x") })
        });
        Some(Self {
            name: layer.get("Name")?.as_str()?.to_owned(),
            layer_type: layer.get("LayerType").and_then(Json::as_str).map(str::to_owned),
            outputs: outputs.collect(),
        })
    }
}

/// The table of the layers.
pub(crate) fn layer_table(layers: &[LayerReport]) -> Table {
    if layers.iter().all(|layer| layer.layer_type.is_none()) {
        let mut table = Table::new(&[">#", "layer"]);
        for (index, layer) in layers.iter().enumerate() {
            table.row([&index, &layer.name]);
        }
        return table;
    }
    let mut table = Table::new(&[">#", "layer", "type", "outputs"]);
    for (index, layer) in layers.iter().enumerate() {
        let layer_type = layer.layer_type.as_deref().unwrap_or_default();
        table.row([&index, &layer.name, &layer_type, &layer.outputs.join(", ")]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{layer_table, read};

    #[test]
    fn names_alone_or_everything() {
        let layers = read(r#"{"Layers": ["conv", "relu"], "Bindings": ["x"]}"#).unwrap();
        assert_eq!(layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["conv", "relu"]);
        assert_eq!(layer_table(&layers).to_string(), "  #  layer\n  0  conv\n  1  relu\n");
        let layers = read(
            r#"{"Layers": [{"Name": "conv", "LayerType": "Convolution", "Outputs": [{"Name": "y", "Dimensions": [1, 8]}]}]}"#,
        );
        let layers = layers.unwrap();
        assert_eq!(layers[0].outputs, ["y: 1x8"]);
        assert_eq!(layer_table(&layers).to_string().lines().last().unwrap().trim(), "0  conv   Convolution  y: 1x8");
    }

    #[test]
    fn other_answers_are_errors() {
        for text in ["", "[]", "{\"Layers\": 1}", "{\"Layers\": [1]}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
