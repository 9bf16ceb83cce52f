use super::*;
use prost::Message;

fn points() -> Vec<Vector> {
    let number = |n: usize, k: usize| 8.0 + ((n * 37 + k * 101) % 19) as f32 / 10.0;
    (0..500).map(|n| std::array::from_fn(|k| number(n, k))).collect()
}

/// A model with one thing changed.
fn changed(change: impl Fn(&mut pb::ModelProto)) -> Result<Onnx, String> {
    let bytes = train::encode(&train::fit(&points()).expect("enough"));
    let mut proto = pb::ModelProto::decode(bytes.as_slice()).expect("ours");
    change(&mut proto);
    Onnx::read(&proto.encode_to_vec())
}

#[test]
fn what_is_like_the_past_scores_low_and_what_is_not_scores_high() {
    let mut model = changed(|_| {}).expect("whole");
    let within = points().iter().filter(|point| model.score(point).is_some_and(|score| score < 0.5)).count();
    assert!(within >= 490, "{within}");
    let mut strange = points()[0];
    strange[7] = 20.0;
    assert!(model.score(&strange).is_some_and(|score| score > 0.9));
    assert!(train::fit(&points()[..3]).is_err());
}

#[test]
fn a_model_that_cannot_be_is_refused_in_one_line() {
    let graph = |proto: &mut pb::ModelProto, change: &dyn Fn(&mut pb::GraphProto)| {
        change(proto.graph.as_mut().expect("graph"))
    };
    let dim = |size| pb::tensor_shape_proto::Dimension {
        value: Some(pb::tensor_shape_proto::dimension::Value::DimValue(size)),
        ..Default::default()
    };
    let tensor = |graph: &mut pb::GraphProto, change: &dyn Fn(&mut pb::type_proto::Tensor)| {
        let of = graph.input[0].r#type.as_mut().expect("type").value.as_mut().expect("value");
        let pb::type_proto::Value::TensorType(tensor) = of;
        change(tensor);
    };
    let refused = |why: &str, result: Result<Onnx, String>| {
        let line = result.expect_err(why);
        assert!(line.contains(why) && !line.contains('\n'), "{line}");
    };
    refused("no ONNX", Onnx::read(b"no model"));
    refused("no graph", Onnx::read(b""));
    refused("opset 99", changed(|proto| proto.opset_import[0].version = 99));
    refused("opset 0", changed(|proto| proto.opset_import.clear()));
    refused("has 0 inputs", changed(|proto| graph(proto, &|graph| graph.input.clear())));
    refused(
        "shape [1, 13]",
        changed(|proto| {
            graph(proto, &|graph| {
                tensor(graph, &|tensor| tensor.shape.as_mut().expect("shape").dim[1] = dim(13));
            })
        }),
    );
    refused(
        "type 11",
        changed(|proto| graph(proto, &|graph| tensor(graph, &|tensor| tensor.elem_type = 11))),
    );
    refused(
        "one float32",
        changed(|proto| {
            graph(proto, &|graph| {
                graph.output[0].name = "white".to_owned();
                graph.output[0].r#type = None;
            })
        }),
    );
    refused(
        "cannot be run",
        changed(|proto| graph(proto, &|graph| graph.node[0].op_type = "Surprise".to_owned())),
    );
}

#[test]
fn a_batch_of_any_size_will_do() {
    let named = changed(|proto| {
        let graph = proto.graph.as_mut().expect("graph");
        let of = graph.input[0].r#type.as_mut().expect("type").value.as_mut().expect("value");
        let pb::type_proto::Value::TensorType(tensor) = of;
        let name = pb::tensor_shape_proto::dimension::Value::DimParam("batch".to_owned());
        tensor.shape.as_mut().expect("shape").dim[0].value = Some(name);
        graph.output[0].r#type = None;
    });
    assert!(named.expect("fits").score(&points()[0]).is_some());
}
