//! Lambda's runtime API: the next event, its answer, or its failure.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! `lambda_runtime` has the types; its loop brings a second HTTP client, streams and middleware that no function here
//! uses, and would be a twentieth of each package.

use std::fmt::Debug;
use std::sync::Arc;

use aws_smithy_types::error::display::DisplayErrorContext;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use http_client::{HttpClient, HttpError, Incoming, Limits};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::Value;

const ADDRESS: &str = "AWS_LAMBDA_RUNTIME_API";
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
/// Given back with the answer, where Lambda sends it.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// Why a function stops asking for events; Lambda starts it anew.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeApiError {
    /// Not in Lambda.
    #[error("`{0}` is not set; this binary runs in Lambda, or with `--check`")]
    NotInLambda(&'static str),
    /// Nobody is there.
    #[error("Lambda's runtime API cannot be asked: {}", DisplayErrorContext(.0))]
    Unreachable(#[from] HttpError),
    /// Half of an event.
    #[error("an event of Lambda's runtime API ended early: {0}")]
    Broken(#[source] lambda_runtime::Error),
    /// It cannot be answered, for nobody knows what to answer to.
    #[error("Lambda's runtime API answers {status} without `{header}`")]
    NoEvent {
        /// The HTTP status.
        status: StatusCode,
        /// What is missing.
        header: &'static str,
    },
}

/// Where events come from.
struct RuntimeApi {
    client: HttpClient,
    /// Host and port.
    address: String,
}

/// An event that waits for its answer.
struct Invocation {
    context: Context,
    id: Option<HeaderValue>,
    body: Bytes,
}

/// Handles one event after the other, for as long as Lambda has some.
///
/// # Errors
/// Lambda cannot be asked for the next one.
pub async fn serve<A, E>(
    client: HttpClient,
    handle: impl AsyncFn(LambdaEvent<Value>) -> Result<A, E>,
) -> Result<(), RuntimeApiError>
where
    A: Serialize,
    E: Into<Diagnostic> + Debug,
{
    let address = std::env::var(ADDRESS).map_err(|_| RuntimeApiError::NotInLambda(ADDRESS))?;
    RuntimeApi { client, address }.serve(handle).await
}

impl RuntimeApi {
    async fn serve<A, E>(&self, handle: impl AsyncFn(LambdaEvent<Value>) -> Result<A, E>) -> Result<(), RuntimeApiError>
    where
        A: Serialize,
        E: Into<Diagnostic> + Debug,
    {
        loop {
            let Invocation { context, id, body } = self.next().await?;
            let request_id = context.request_id.clone();
            let outcome = match serde_json::from_slice(&body) {
                Ok(payload) => {
                    let trace = context.xray_trace_id.clone();
                    let handled = handle(LambdaEvent { payload, context });
                    http_client::traced(trace.as_deref(), handled).await.map_err(|error| {
                        tracing::error!(?error, "the invocation failed");
                        error.into()
                    })
                }
                Err(error) => Err(failure("InvalidEvent", format!("the event is no JSON: {error}"))),
            };
            self.answer(&request_id, id, outcome.and_then(|answer| written(&answer))).await;
        }
    }

    /// Waits for an event, however long: meanwhile Lambda lets nothing run.
    async fn next(&self) -> Result<Invocation, RuntimeApiError> {
        let response = self.send("GET", "invocation/next", HeaderMap::new(), Bytes::new()).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| RuntimeApiError::Broken(error.into()))?.to_bytes();
        let text = |header| {
            let value = parts.headers.get(header).and_then(|value| value.to_str().ok());
            value.ok_or(RuntimeApiError::NoEvent { status: parts.status, header })
        };
        let request_id = text(REQUEST_ID)?;
        // `Context::new` panics without it.
        text(DEADLINE)?;
        let context = Context::new(request_id, Arc::default(), &parts.headers).map_err(RuntimeApiError::Broken)?;
        Ok(Invocation { context, id: parts.headers.get(INVOCATION_ID).cloned(), body })
    }

    /// An answer that Lambda does not take, above all one that is too large, is a log line; Lambda has failed the
    /// invocation by then.
    async fn answer(&self, request_id: &str, id: Option<HeaderValue>, outcome: Result<Vec<u8>, Diagnostic>) {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert(INVOCATION_ID, id);
        }
        let (path, body) = match outcome {
            Ok(body) => ("response", body),
            Err(diagnostic) => {
                headers.insert(ERROR_TYPE, HeaderValue::from_static("unhandled"));
                ("error", serde_json::to_vec(&diagnostic).unwrap_or_default())
            }
        };
        let sent = self.send("POST", &format!("invocation/{request_id}/{path}"), headers, body.into()).await;
        match sent {
            Ok(response) if response.status().is_success() => {
                // Read to its end, so that the next event comes on the same connection.
                let _ = response.into_body().collect().await;
            }
            Ok(response) => tracing::error!(status = %response.status(), "Lambda did not take the answer"),
            Err(error) => tracing::error!(error = %DisplayErrorContext(&error), "the answer did not reach Lambda"),
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, HttpError> {
        let uri = format!("http://{}/2018-06-01/runtime/{path}", self.address);
        let request = Request::builder().method(method).uri(&uri).body(Full::new(body));
        let mut request = request.map_err(|_| HttpError::Address(uri))?;
        *request.headers_mut() = headers;
        self.client.send(request, Limits::default()).await
    }
}

fn written(answer: &impl Serialize) -> Result<Vec<u8>, Diagnostic> {
    serde_json::to_vec(answer)
        .map_err(|error| failure("InvalidAnswer", format!("the answer cannot be written: {error}")))
}

fn failure(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http_client::RootCertStore;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const EVENT: &str = "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: r-1\r\nlambda-runtime-deadline-ms: 7\r\n\
        lambda-runtime-trace-id: Root=1\r\nlambda-runtime-invocation-id: i-1\r\ncontent-length: ";
    const TAKEN: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

    /// Serves with these answers of the runtime API, to their end; what it was asked, and on how many connections.
    async fn served(answers: Vec<String>) -> (RuntimeApiError, Vec<String>, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = Mutex::new(answers.into_iter());
        let (heard, mut connections) = (Mutex::new(Vec::new()), 0);
        let api = RuntimeApi { client: HttpClient::new(RootCertStore::empty()).unwrap(), address };
        let lambda = async {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections += 1;
                let mut bytes = vec![0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    heard.lock().unwrap().push(String::from_utf8_lossy(&bytes[..read]).into_owned());
                    let Some(answer) = answers.lock().unwrap().next() else { break };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        };
        let handle = async |event: LambdaEvent<Value>| match event.payload["fails"].as_bool() {
            Some(true) => Err("it failed"),
            _ => Ok(
                json!({"id": event.context.request_id, "trace": event.context.xray_trace_id, "by": event.context.deadline}),
            ),
        };
        let error = tokio::select! {
            ended = api.serve(handle) => ended.unwrap_err(),
            () = lambda => unreachable!(),
        };
        (error, heard.into_inner().unwrap(), connections)
    }

    fn event(body: &str) -> String {
        format!("{EVENT}{}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_event_is_answered_and_the_next_one_asked_for_on_the_same_connection() {
        let (_, heard, connections) = served(vec![event("{}"), TAKEN.into(), event("{}"), TAKEN.into()]).await;
        assert!(heard[0].starts_with("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"), "{}", heard[0]);
        assert!(heard[1].starts_with("POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\n"), "{}", heard[1]);
        assert!(heard[1].contains("\r\nlambda-runtime-invocation-id: i-1\r\n"), "{}", heard[1]);
        assert!(heard[1].ends_with(r#"{"by":7,"id":"r-1","trace":"Root=1"}"#), "{}", heard[1]);
        assert_eq!((heard.len(), connections), (5, 1));
    }

    #[tokio::test]
    async fn a_failure_is_told_and_the_next_event_asked_for() {
        for (body, message) in [(r#"{"fails":true}"#, r#""errorMessage":"it failed""#), ("{", "the event is no JSON")] {
            let (_, heard, _) = served(vec![event(body), TAKEN.into()]).await;
            assert!(heard[1].starts_with("POST /2018-06-01/runtime/invocation/r-1/error HTTP/1.1\r\n"), "{}", heard[1]);
            assert!(heard[1].contains("lambda-runtime-function-error-type: unhandled\r\n"), "{}", heard[1]);
            assert!(heard[1].contains(message), "{}", heard[1]);
            assert!(heard[2].starts_with("GET /2018-06-01/runtime/invocation/next"), "{}", heard[2]);
        }
    }

    #[tokio::test]
    async fn an_answer_that_lambda_does_not_take_does_not_end_the_function() {
        let refused = "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}";
        let (_, heard, _) = served(vec![event("{}"), refused.into(), event("{}"), TAKEN.into()]).await;
        assert!(heard.iter().filter(|request| request.starts_with("GET")).count() >= 3, "{heard:?}");
    }

    #[tokio::test]
    async fn what_is_no_event_ends_the_function() {
        let (error, ..) = served(vec!["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".into()]).await;
        assert!(matches!(error, RuntimeApiError::NoEvent { status: StatusCode::FORBIDDEN, .. }), "{error}");
        let undated = event("{}").replace("lambda-runtime-deadline-ms: 7\r\n", "");
        let (error, ..) = served(vec![undated]).await;
        assert_eq!(error.to_string(), "Lambda's runtime API answers 200 OK without `lambda-runtime-deadline-ms`");
    }
}
