//! The events that reach the functions.

use lambda_runtime::{Context, LambdaEvent};
use policy::Timestamp;
use serde_json::{Value, json};

use crate::aws::{AUTHORITY, Aws, account};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: i64,
    pub(crate) subject: Value,
    pub(crate) key: String,
    pub(crate) withdrawal: bool,
}

impl Request {
    pub(crate) fn event(&self, aws: &Aws) -> Value {
        let time = aws.clock.write(self.at);
        let mut detail = self.subject.clone();
        detail["requestedBy"] = json!("alice");
        let kind = if self.withdrawal { "Certificate Denial Withdrawn" } else { "Certificate Revocation Requested" };
        if !self.withdrawal {
            detail["certificateAuthorityArn"] = json!(AUTHORITY);
            detail["reason"] = json!("KEY_COMPROMISE");
        }
        let id = format!("{}-{}", self.at, self.key);
        json!({"id": id, "time": time, "source": "linkward.operator", "detail-type": kind, "detail": detail})
    }
}

/// A request to cut off a caller, or to let it in again.
pub(crate) fn request(aws: &mut Aws) -> Request {
    let number = aws.rng.usize(1..4);
    let (subject, key) = match aws.rng.u8(..3) {
        0 => (json!({"serialNumber": format!("a{number}")}), format!("serial#a{number}")),
        1 => (json!({"account": account(number)}), format!("account#{}", account(number))),
        _ => {
            let identity = format!("spiffe://internal.example/prod/caller-{number}");
            for more in 0..number {
                aws.certificates.insert(format!("b{number}{more}"), identity.clone());
            }
            (json!({ "identity": identity }), format!("identity#{identity}"))
        }
    };
    Request { at: aws.clock.now - aws.rng.i64(0..120), subject, key, withdrawal: aws.rng.u8(..4) == 0 }
}

pub(crate) fn invocation(event: Value) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = "run".to_owned();
    context.deadline = u64::try_from(Timestamp::now().as_millisecond()).unwrap() + 60_000;
    LambdaEvent::new(event, context)
}

pub(crate) fn schedule() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
}

pub(crate) fn sweep_requested(detail: &Value) -> Value {
    json!({"source": "linkward.operator", "detail-type": "Endpoint Sweep Requested", "detail": detail})
}

pub(crate) fn notification() -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "?"}}]})
}
