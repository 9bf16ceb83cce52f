//! A small model as an example of what `--model` takes: how unlike an interval is to those that it was made of.
//!
//! Intervals are taken for one cloud in twelve dimensions (a multivariate normal distribution, by mean and covariance). What is scored is
//! the
//! square of the distance from its middle, in its own measure (Mahalanobis, 1936), put between 0 and 1: 0.5 is as far out as the farthest
//! thousandth of the intervals that it was made of.

use crate::Registry;
use crate::anomaly::{FEATURES, FEATURES_LEN, Judge, Options, Sentry, Vector};
use crate::replay::replay;
use prost::Message;
use std::io::Read;
use std::sync::{Arc, Mutex};
use tract_onnx::pb;

/// Added to each variance: a number that never changed says little.
const RIDGE: f64 = 0.05;
/// Version of the operators.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 7;
const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// What was learnt: `score = sigmoid(steep * (|(x - mean) W|^2 - edge))`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cloud {
    mean: [f64; FEATURES_LEN],
    /// By row: the inverse of the Cholesky factor of the covariance, transposed.
    whitening: [[f64; FEATURES_LEN]; FEATURES_LEN],
    edge: f64,
}

/// Vectors of the intervals of all devices in a capture.
pub fn intervals(reader: impl Read) -> Vec<Vector> {
    #[derive(Debug)]
    struct Collect(Arc<Mutex<Vec<Vector>>>);
    impl Judge for Collect {
        fn score(&mut self, vector: &Vector) -> Option<f32> {
            self.0.lock().ok()?.push(*vector);
            None
        }
    }
    let all = Arc::new(Mutex::new(Vec::new()));
    let mut sentry = Sentry::new(Options::default());
    sentry.model(Box::new(Collect(Arc::clone(&all))), 0.0);
    let mut registry = Registry::default().watched(sentry);
    replay(reader, &mut registry);
    drop(registry);
    all.lock().map(|mut all| std::mem::take(&mut *all)).unwrap_or_default()
}

/// Learns from intervals.
///
/// # Errors
/// When there are fewer than there are numbers.
pub fn fit(points: &[Vector]) -> Result<Cloud, String> {
    if points.len() < FEATURES_LEN {
        return Err(format!("train: {} intervals are too few; at least {FEATURES_LEN}", points.len()));
    }
    let many = points.len() as f64;
    let mut mean = [0.0; FEATURES_LEN];
    for point in points {
        mean.iter_mut().zip(point).for_each(|(mean, number)| *mean += f64::from(*number) / many);
    }
    let mut covariance = [[0.0; FEATURES_LEN]; FEATURES_LEN];
    for point in points {
        for (i, row) in covariance.iter_mut().enumerate() {
            for (j, cell) in row.iter_mut().enumerate() {
                *cell += (f64::from(point[i]) - mean[i]) * (f64::from(point[j]) - mean[j]) / many;
            }
        }
    }
    (0..FEATURES_LEN).for_each(|i| covariance[i][i] += RIDGE);
    let whitening = whitening(&covariance);
    let mut cloud = Cloud { mean, whitening, edge: 1.0 };
    let mut far: Vec<f64> = points.iter().map(|point| cloud.distance(point)).collect();
    far.sort_by(f64::total_cmp);
    cloud.edge = far[(far.len() * 999 / 1000).min(far.len() - 1)].max(1.0);
    Ok(cloud)
}

/// W with `W W^T` the inverse of a matrix that is symmetric and positive: `L^-T`, where the matrix is `L L^T`.
fn whitening(matrix: &[[f64; FEATURES_LEN]; FEATURES_LEN]) -> [[f64; FEATURES_LEN]; FEATURES_LEN] {
    let mut lower = [[0.0f64; FEATURES_LEN]; FEATURES_LEN];
    for i in 0..FEATURES_LEN {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            lower[i][j] = match i == j {
                true => (matrix[i][i] - sum).max(f64::MIN_POSITIVE).sqrt(),
                false => (matrix[i][j] - sum) / lower[j][j],
            };
        }
    }
    // Each column of the inverse of L, by forward substitution; W holds them as rows.
    let mut inverse = [[0.0f64; FEATURES_LEN]; FEATURES_LEN];
    for (column, solution) in inverse.iter_mut().enumerate() {
        for i in 0..FEATURES_LEN {
            let unit = f64::from(u8::from(i == column));
            let sum: f64 = (0..i).map(|k| lower[i][k] * solution[k]).sum();
            solution[i] = (unit - sum) / lower[i][i];
        }
    }
    inverse
}

impl Cloud {
    /// How far out, squared.
    fn distance(&self, point: &Vector) -> f64 {
        (0..FEATURES_LEN)
            .map(|to| {
                let sum: f64 = (0..FEATURES_LEN)
                    .map(|from| (f64::from(point[from]) - self.mean[from]) * self.whitening[from][to])
                    .sum();
                sum * sum
            })
            .sum()
    }
}

/// The bytes of an ONNX file.
pub fn encode(cloud: &Cloud) -> Vec<u8> {
    let single = |number: f64| number as f32;
    let mean: Vec<f32> = cloud.mean.iter().copied().map(single).collect();
    let whitening: Vec<f32> = cloud.whitening.iter().flatten().copied().map(single).collect();
    let size = FEATURES_LEN as i64;
    let floats = |name: &str, dims: &[i64], data: Vec<f32>| pb::TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: FLOAT,
        float_data: data,
        ..Default::default()
    };
    let axes = pb::TensorProto {
        name: "axes".to_owned(),
        dims: vec![1],
        data_type: INT64,
        int64_data: vec![1],
        ..Default::default()
    };
    let steep = single(4.0 / cloud.edge);
    let names: Vec<_> = FEATURES.iter().map(|(name, ..)| *name).collect();
    let graph = pb::GraphProto {
        name: "intervals of devices".to_owned(),
        node: vec![
            node("Sub", &["interval", "mean"], "apart"),
            node("MatMul", &["apart", "whitening"], "white"),
            node("Mul", &["white", "white"], "squares"),
            node("ReduceSum", &["squares", "axes"], "distance"),
            node("Sub", &["distance", "edge"], "beyond"),
            node("Mul", &["beyond", "steep"], "logit"),
            node("Sigmoid", &["logit"], "score"),
        ],
        initializer: vec![
            floats("mean", &[1, size], mean),
            floats("whitening", &[size, size], whitening),
            axes,
            floats("edge", &[1], vec![single(cloud.edge)]),
            floats("steep", &[1], vec![steep]),
        ],
        input: vec![value("interval", &[1, size])],
        output: vec![value("score", &[1, 1])],
        doc_string: format!("log2(1 + x) of {}", names.join(", ")),
        ..Default::default()
    };
    let model = pb::ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![pb::OperatorSetIdProto { version: OPSET, ..Default::default() }],
        producer_name: "kernscope".to_owned(),
        graph: Some(graph),
        ..Default::default()
    };
    model.encode_to_vec()
}

fn node(kind: &str, input: &[&str], output: &str) -> pb::NodeProto {
    pb::NodeProto {
        op_type: kind.to_owned(),
        name: output.to_owned(),
        input: input.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

fn value(name: &str, dims: &[i64]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |size: &i64| Dimension { value: Some(Value::DimValue(*size)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: FLOAT, shape: Some(shape) };
    let of = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.to_owned(), r#type: Some(of), ..Default::default() }
}
