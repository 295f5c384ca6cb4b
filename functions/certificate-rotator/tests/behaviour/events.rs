//! What Secrets Manager sends, and what is refused.

use certificate_rotator::Request;
use wire_replay::events::samples;

use crate::stage::Stage;

#[test]
fn every_sample_is_a_step() {
    let samples = samples("secret-rotation", "samples");
    let steps = samples.iter().map(|(name, sample)| {
        Request::try_from(sample).unwrap_or_else(|error| panic!("{name}: {error}")).step.as_str()
    });
    assert_eq!(steps.collect::<std::collections::BTreeSet<_>>().len(), 4);
}

#[test]
fn every_invalid_sample_fails_naming_the_field_and_calls_nobody() {
    for (name, sample) in samples("secret-rotation", "invalid") {
        let stage = Stage::new();
        let field = name.split("--").next().unwrap();
        let failure = stage.invoke(&sample).unwrap().expect_err(&name);
        assert_eq!(failure.as_str(), "malformedEvent", "{name}");
        assert!(failure.to_string().starts_with(&format!("field `{field}` ")), "{name}: {failure}");
        assert_eq!(stage.last().calls(), [], "{name}");
    }
}
