//! Events that somebody spoilt: every field of every sample gone or replaced, then several at once, always the same ones.

use serde_json::{Value, json};

use crate::events::samples;

/// How many events with several faults are drawn from each sample.
const DRAWN: usize = 150;

/// Each sample of an event and each invalid one, spoilt; with what was done to it. Some are right by chance.
#[must_use]
pub fn mutations(event: &str) -> Vec<(String, Value)> {
    let of = |(name, sample): (String, Value)| {
        let single = edits(&sample).into_iter().map(|edit| spoilt(&sample, &[edit])).collect::<Vec<_>>();
        let mut draw = Draw(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        );
        let drawn = (0..DRAWN).map(|_| draw.spoil(&sample)).collect::<Vec<_>>();
        let named = move |(what, event): (String, Value)| (format!("{name}: {what}"), event);
        single.into_iter().chain(drawn).map(named).collect::<Vec<_>>()
    };
    [samples(event, "samples"), samples(event, "invalid")].concat().into_iter().flat_map(of).collect()
}

/// What is done to one place, a JSON pointer. Without a value it is removed.
#[derive(Clone, Debug)]
struct Edit {
    at: String,
    value: Option<Value>,
}

fn edits(event: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    for at in places(event, String::new()) {
        let there = event.pointer(&at).unwrap();
        edits.push(Edit { at: at.clone(), value: None });
        edits.extend(instead(there).into_iter().map(|value| Edit { at: at.clone(), value: Some(value) }));
        if there.is_object() {
            let added = ["unknown".to_owned(), "x".repeat(5_000), String::new(), "requestedby".to_owned()];
            edits.extend(added.map(|name| Edit { at: format!("{at}/{name}"), value: Some(json!("added")) }));
        }
    }
    edits
}

fn places(value: &Value, at: String) -> Vec<String> {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let below: Vec<_> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (escaped(name), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = below.into_iter().flat_map(|(name, value)| places(value, format!("{at}/{name}"))).collect::<Vec<_>>();
    std::iter::once(at).chain(below).collect()
}

/// What may stand where something else should.
fn instead(there: &Value) -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}\u{202e}`../${x}\n"),
        json!("é".repeat(3_000)),
        json!([]),
        json!([there]),
        json!([[], null, 7]),
        json!({}),
        json!({ "x": there }),
    ];
    if let Some(text) = there.as_str() {
        values.extend([json!(format!("{text}x")), json!(format!(" {text}")), json!(text.to_uppercase())]);
        values.extend(text.char_indices().nth(1).map(|(second, _)| json!(text[second..])));
    }
    values
}

fn spoilt(event: &Value, edits: &[Edit]) -> (String, Value) {
    let mut event = event.clone();
    edits.iter().for_each(|edit| edit.apply(&mut event));
    (format!("{edits:.400?}").chars().take(400).collect(), event)
}

impl Edit {
    /// Where the place is no more there is nothing to do.
    fn apply(&self, event: &mut Value) {
        let Some((parent, name)) = self.at.rsplit_once('/') else {
            *event = self.value.clone().unwrap_or_default();
            return;
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        match (event.pointer_mut(parent), &self.value) {
            (Some(Value::Object(fields)), Some(value)) => drop(fields.insert(name, value.clone())),
            (Some(Value::Object(fields)), None) => drop(fields.remove(&name)),
            (Some(Value::Array(values)), value) => {
                if let Some(index) = name.parse::<usize>().ok().filter(|index| *index < values.len()) {
                    values.splice(index..=index, value.clone());
                }
            }
            _ => {}
        }
    }
}

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }

    fn spoil(&mut self, sample: &Value) -> (String, Value) {
        let count = 2 + self.below(3);
        let (mut event, mut done) = (sample.clone(), Vec::new());
        for _ in 0..count {
            let edits = edits(&event);
            let edit = edits[self.below(edits.len())].clone();
            edit.apply(&mut event);
            done.push(edit);
        }
        (format!("{done:.400?}").chars().take(400).collect(), event)
    }
}
