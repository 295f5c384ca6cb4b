//! The SDK's spans of operations: `aws_sdk_…`, with the fields `rpc.service` and `rpc.method`.

use std::fmt::Debug;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{Call, Traces};

/// Listens to the SDK.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLayer(pub(super) &'static Traces);

#[derive(Debug)]
struct Begun {
    service: String,
    method: String,
    at: Timestamp,
}

impl CallLayer {
    /// Whether a span is that of an operation.
    pub(crate) fn listens_to(metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
            && metadata.target().starts_with("aws_sdk_")
            && metadata.fields().field("rpc.method").is_some()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for CallLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut begun = Begun { service: String::new(), method: String::new(), at: Timestamp::now() };
        attributes.record(&mut begun);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(begun);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let begun = context.span(&id).and_then(|span| span.extensions_mut().remove::<Begun>());
        if let Some(Begun { service, method, at }) = begun {
            let ended = Timestamp::now();
            self.0.keep(Call { id: fastrand::u64(1..), service, method, began: at, ended, error: None });
        }
    }
}

impl Visit for Begun {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "rpc.service" => value.clone_into(&mut self.service),
            "rpc.method" => value.clone_into(&mut self.method),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
