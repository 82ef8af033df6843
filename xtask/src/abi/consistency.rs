//! TensorRT 10's tables without its headers, which no package brings: each class must be the one of a family that is compared
//! with headers, but for the differences that `trt10_differences.tsv` lists.

use crate::Result;
use crate::facts::{Facts, Family, Slot, Table};
use std::path::Path;

/// One line of the list.
#[derive(Debug)]
struct Difference {
    class: String,
    against: Option<Family>,
    /// Whether TensorRT 10 has the slot, and the other family lacks it.
    has: bool,
    slot: usize,
    method: String,
    signature: String,
}

/// Compares the tables of TensorRT 10 with those of its nearest relatives; says what was compared.
pub(super) fn check(facts: &Facts, folder: &Path) -> Result<String> {
    let differences = differences(folder)?;
    let (mut classes, mut slots, mut alike) = (0, 0, 0);
    for ((family, class), own) in &facts.vtables {
        if *family != Family::Trt10 {
            continue;
        }
        let listed: Vec<&Difference> = differences.iter().filter(|difference| difference.class == *class).collect();
        let families = match listed.first() {
            Some(first) => vec![first.against],
            None => vec![Some(Family::RtxOld), Some(Family::Trt11)],
        };
        let matches =
            |against: &Option<Family>| rebuilt(facts, class, *against, &listed).is_some_and(|it| it == texts(own));
        if !families.iter().any(matches) {
            return Err(format!("{class} differs from its relatives otherwise than trt10_differences.tsv says").into());
        }
        classes += 1;
        slots += own.len() + usize::from(own.iter().any(Slot::is_destructor));
        alike += usize::from(listed.is_empty());
    }
    for difference in &differences {
        if facts.slots(Family::Trt10, &difference.class).is_none() {
            return Err(format!("trt10_differences.tsv: TensorRT 10 has no {}", difference.class).into());
        }
    }
    let values = enums(facts)?;
    Ok(format!(
        "{classes} classes and {slots} slots ({alike} classes as in a family with headers, {} listed differences), \
         {values} enum values",
        differences.len()
    ))
}

/// The slots of a relative, changed as listed.
fn rebuilt(
    facts: &Facts,
    class: &str,
    against: Option<Family>,
    listed: &[&Difference],
) -> Option<Vec<(String, String)>> {
    let relative = match against {
        Some(family) => texts(facts.slots(family, class)?),
        None => Vec::new(),
    };
    let lacks = |index: usize, slot: &(String, String)| {
        listed.iter().any(|it| !it.has && it.slot == index && (&it.method, &it.signature) == (&slot.0, &slot.1))
    };
    let mut slots: Vec<(String, String)> = relative
        .iter()
        .enumerate()
        .filter(|(index, slot)| !lacks(*index, slot))
        .map(|(_, slot)| slot.clone())
        .collect();
    for difference in listed.iter().filter(|difference| difference.has) {
        if difference.slot > slots.len() {
            return None;
        }
        slots.insert(difference.slot, (difference.method.clone(), difference.signature.clone()));
    }
    Some(slots)
}

fn texts(slots: &[Slot]) -> Vec<(String, String)> {
    let text = |slot: &Slot| slot.signature.as_ref().map_or_else(String::new, |signature| signature.text.clone());
    slots.iter().map(|slot| (slot.method.clone(), text(slot))).collect()
}

/// TensorRT 10 and TensorRT for RTX 1.3-1.4 number their enums alike.
fn enums(facts: &Facts) -> Result<usize> {
    let mut compared = 0;
    for item in &facts.enums {
        for value in &item.values {
            let (own, relative) = (value.value[Family::Trt10], value.value[Family::RtxOld]);
            match (own, relative) {
                (Some(own), Some(relative)) if own != relative => {
                    return Err(format!(
                        "{}::{} is {own} in TensorRT 10, {relative} in RTX 1.4",
                        item.cpp(),
                        value.name
                    )
                    .into());
                }
                (Some(_), Some(_)) => compared += 1,
                _ => {}
            }
        }
    }
    Ok(compared)
}

fn differences(folder: &Path) -> Result<Vec<Difference>> {
    let table = Table::read(&folder.join("trt10_differences.tsv"))?;
    let row = |row: crate::facts::Row<'_>| -> Result<Difference> {
        let (against, change) = (row.get("against")?, row.get("change")?);
        let against = match against {
            "none" => None,
            id => Some(Family::from_id(id).ok_or_else(|| format!("trt10_differences.tsv: no family '{id}'"))?),
        };
        if !["has", "lacks"].contains(&change) {
            return Err(format!("trt10_differences.tsv: change '{change}'").into());
        }
        Ok(Difference {
            class: row.get("class")?.to_owned(),
            against,
            has: change == "has",
            slot: row.number("slot")?,
            method: row.get("method")?.to_owned(),
            signature: row.get("signature")?.to_owned(),
        })
    };
    table.rows().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::facts::{Facts, Family};
    use std::path::PathBuf;

    #[test]
    fn a_changed_table_is_found() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tensorrt-sys/facts");
        let mut facts = Facts::load(&folder).unwrap();
        check(&facts, &folder).unwrap();
        // A class that a relative shares, and one whose differences are listed.
        for class in ["nvinfer1::apiv::VShuffleLayer", "nvinfer1::apiv::VBuilderConfig"] {
            let key = (Family::Trt10, class.to_owned());
            facts.vtables.get_mut(&key).unwrap().swap(3, 4);
            let error = check(&facts, &folder).unwrap_err().to_string();
            assert!(error.starts_with(class), "{error}");
            facts.vtables.get_mut(&key).unwrap().swap(3, 4);
        }
        let flags = facts.enums.iter_mut().find(|item| item.table_name == "BuilderFlag").unwrap();
        flags.values[0].value[Family::Trt10] = Some(77);
        assert!(check(&facts, &folder).unwrap_err().to_string().contains("BuilderFlag"));
    }
}
