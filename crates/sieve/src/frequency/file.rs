//! A filter from TOML.

use super::{Exceed, Filter, FilterError, Limits};
use crate::toml_error;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    window: u32,
    #[serde(default)]
    threshold: Vec<Threshold>,
    #[serde(default)]
    limits: Bounds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    byte: Byte,
    min: u32,
}

#[derive(Deserialize)]
#[serde(try_from = "toml::Value")]
struct Byte(u8);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    region_bytes: Option<u64>,
    regions: Option<u64>,
    #[serde(default)]
    exceed: Exceeded,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Exceeded {
    #[default]
    Fail,
    Count,
}

impl TryFrom<toml::Value> for Byte {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Byte, String> {
        let byte = match &value {
            toml::Value::String(text) if text.len() == 1 => text.as_bytes().first().copied(),
            toml::Value::Integer(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        byte.map(Byte)
            .ok_or_else(|| format!("byte = {value} is not one ASCII character, nor a number from 0 to 255"))
    }
}

pub(super) fn read(text: &str) -> Result<Filter, FilterError> {
    let file: File = toml::from_str(text)
        .map_err(|error| FilterError::Text { cause: toml_error::one_line(text, &error) })?;
    let exceed = match file.limits.exceed {
        Exceeded::Fail => Exceed::Fail,
        Exceeded::Count => Exceed::Count,
    };
    let limits = Limits { region_bytes: file.limits.region_bytes, regions: file.limits.regions, exceed };
    let builder = Filter::builder().window(file.window).limits(limits);
    file.threshold.iter().fold(builder, |builder, each| builder.at_least(each.byte.0, each.min)).build()
}
