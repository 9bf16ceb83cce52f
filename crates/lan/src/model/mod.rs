//! Models in ONNX that judge what a device did within five minutes.
//!
//! A model has one input, `float32` of shape `[1, 12]` (a batch of any size will do): the numbers of [`crate::anomaly::FEATURES`], in their
//! order. Its first output is one `float32`, the score. It is run by `tract`; nothing else is read, and nothing is downloaded.
//!
//! ```
//! use kernscope_lan::anomaly::{FEATURES_LEN, Judge};
//! use kernscope_lan::model::{Onnx, train};
//! let points: Vec<_> = (0..100u8).map(|n| [f32::from(n % 10); FEATURES_LEN]).collect();
//! let mut model = Onnx::read(&train::encode(&train::fit(&points)?))?;
//! assert!(model.score(&[5.0; FEATURES_LEN]).is_some_and(|score| score < 0.5));
//! assert!(model.score(&[50.0; FEATURES_LEN]).is_some_and(|score| score > 0.5));
//! # Ok::<(), String>(())
//! ```

pub mod train;

use crate::anomaly::{FEATURES_LEN, Judge, Vector};
use std::fmt;
use std::sync::Arc;
use tract_onnx::pb;
use tract_onnx::prelude::*;

/// Versions of the operators that are known.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=21;
const FLOAT: i32 = 1;

/// A model, ready to run. Copies share it.
#[derive(Clone)]
pub struct Onnx {
    model: Arc<TypedRunnableModel>,
    /// The shape of its input.
    shape: Vec<usize>,
}

impl fmt::Debug for Onnx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onnx").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl Onnx {
    /// Reads a file.
    ///
    /// # Errors
    /// In one line: no ONNX, operators of a version or kind that is not known, an input or output of another type or shape.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let onnx = tract_onnx::onnx();
        let proto = onnx.proto_model_for_read(&mut &bytes[..]).map_err(|_| "is no ONNX model".to_owned())?;
        let graph = proto.graph.as_ref().ok_or("is no ONNX model: it has no graph")?;
        let opset =
            proto.opset_import.iter().find(|opset| opset.domain.is_empty() || opset.domain == "ai.onnx");
        let opset = opset.map_or(0, |opset| opset.version);
        if !OPSETS.contains(&opset) {
            return Err(format!("is of opset {opset}; {} to {} are known", OPSETS.start(), OPSETS.end()));
        }
        let shape = input(graph)?;
        let fact = f32::fact(shape.as_slice());
        let model = onnx.model_for_proto_model(&proto).map_err(line)?;
        let model = model.with_input_fact(0, fact.into()).map_err(line)?;
        let model = model.into_optimized().map_err(line)?;
        let output = model.output_fact(0).map_err(line)?.clone();
        let model = model.into_runnable().map_err(line)?;
        let judge = Self { model, shape };
        let is_one = output.shape.as_concrete().is_some_and(|shape| shape.iter().product::<usize>() == 1);
        if output.datum_type != f32::datum_type() || !is_one {
            return Err(format!("its first output is {output:?}; it must be one float32"));
        }
        judge.run(&[0.0; FEATURES_LEN]).map_err(line)?;
        Ok(judge)
    }

    fn run(&self, vector: &Vector) -> TractResult<f32> {
        let input = Tensor::from_shape(&self.shape, vector.as_slice())?;
        let output = self.model.run(tvec!(input.into()))?;
        let first =
            output.first().and_then(|tensor| tensor.to_plain_array_view::<f32>().ok()?.first().copied());
        first.ok_or_else(|| TractError::msg("it gave no output"))
    }
}

impl Judge for Onnx {
    fn score(&mut self, vector: &Vector) -> Option<f32> {
        self.run(vector).ok().filter(|score| score.is_finite())
    }
}

/// The shape of the one input, if it is as it should be.
fn input(graph: &pb::GraphProto) -> Result<Vec<usize>, String> {
    let wanted = format!("it must have one input, float32 of shape [1, {FEATURES_LEN}]");
    let has_value = |name: &str| graph.initializer.iter().any(|value| value.name == name);
    let inputs: Vec<_> = graph.input.iter().filter(|input| !has_value(&input.name)).collect();
    let [input] = inputs[..] else {
        return Err(format!("has {} inputs; {wanted}", inputs.len()));
    };
    let value = input.r#type.as_ref().and_then(|of| of.value.as_ref());
    let Some(pb::type_proto::Value::TensorType(tensor)) = value else {
        return Err(format!("its input {:?} is no tensor; {wanted}", input.name));
    };
    if tensor.elem_type != FLOAT {
        return Err(format!(
            "its input {:?} is of type {}, not float32 (1); {wanted}",
            input.name, tensor.elem_type
        ));
    }
    let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let size = |dim: &pb::tensor_shape_proto::Dimension| match &dim.value {
        Some(pb::tensor_shape_proto::dimension::Value::DimValue(size)) => usize::try_from(*size).ok(),
        // A name: as many as there are.
        _ => None,
    };
    let sizes: Vec<_> = dims.iter().map(size).collect();
    match sizes[..] {
        [None | Some(1), Some(FEATURES_LEN)] => Ok(vec![1, FEATURES_LEN]),
        [Some(FEATURES_LEN)] => Ok(vec![FEATURES_LEN]),
        _ => {
            let shown: Vec<_> =
                sizes.iter().map(|size| size.map_or("?".to_owned(), |size| size.to_string())).collect();
            Err(format!("its input {:?} has the shape [{}]; {wanted}", input.name, shown.join(", ")))
        }
    }
}

/// The first line of an error and of its last cause.
fn line(error: TractError) -> String {
    let first = |text: String| text.lines().next().unwrap_or_default().chars().take(200).collect::<String>();
    let (what, why) = (first(error.to_string()), first(error.root_cause().to_string()));
    if what == why { format!("cannot be run: {what}") } else { format!("cannot be run: {what}: {why}") }
}

#[cfg(test)]
mod tests;
