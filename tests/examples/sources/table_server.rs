//! As much of DynamoDB as two large tables need: made as they are read, so that a million items cost nothing here.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use policy::Timestamp;
use policy::sortable_time;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

/// Items of about 280 bytes that DynamoDB gives with one page of a megabyte.
const PAGE: usize = 3_500;
const HEAD: &str = r#"{"version":1,"trustDomain":"a.example"}"#;
const PUBLICATION: &str = "20261123T100000Z-00000000";

#[derive(Clone)]
pub(crate) struct TableServer(Arc<Tables>);

struct Tables {
    url: String,
    entries: usize,
    callers: usize,
    meta: Value,
    /// `changedAt` and the item.
    puts: Mutex<Vec<(String, String)>>,
    pages: AtomicUsize,
}

impl TableServer {
    pub(crate) async fn start(entries: usize, callers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (puts, pages) = (Mutex::default(), AtomicUsize::new(0));
        let server = Self(Arc::new(Tables { url, entries, callers, meta: meta(callers), puts, pages }));
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let serve = service_fn(move |request| server.clone().serve(request));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
            }
        });
        server
    }

    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let variables = [
            ("AWS_ENDPOINT_URL", self.0.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    pub(crate) fn pages(&self) -> usize {
        self.0.pages.load(Ordering::Relaxed)
    }

    pub(crate) fn put(&self, serial: &str) {
        let now = sortable_time(Timestamp::now());
        let item = denial(serial, &now);
        self.0.puts.lock().unwrap().push((now, item));
    }

    async fn serve(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let answer = match (target.as_str(), body["TableName"].as_str().unwrap()) {
            ("DynamoDB_20120810.Scan", table) => self.page(table == "deny-list", &body),
            ("DynamoDB_20120810.Query", _) => self.changes(&body),
            ("DynamoDB_20120810.GetItem", _) => json!({ "Item": self.0.meta }).to_string(),
            (other, _) => panic!("{other} is not done here"),
        };
        let answer = Response::builder().header("content-type", "application/x-amz-json-1.0").body(answer.into());
        Ok(answer.unwrap())
    }

    /// Of a segment every so many items.
    fn page(&self, denials: bool, body: &Value) -> String {
        self.0.pages.fetch_add(1, Ordering::Relaxed);
        let number = |name: &str| body[name].as_u64().map(|number| usize::try_from(number).unwrap());
        let (segment, step) = (number("Segment").unwrap_or(0), number("TotalSegments").unwrap_or(1));
        let after = body["ExclusiveStartKey"]["pk"]["S"].as_str();
        let after = after.map(|key| key.rsplit('#').next().unwrap().parse::<usize>().unwrap());
        let first = after.map_or(segment, |after| after + step);
        let (count, item): (usize, fn(usize) -> String) =
            if denials { (self.0.entries, listed) } else { (self.0.callers, caller) };
        let limit = number("Limit").unwrap_or(PAGE);
        let mut items: Vec<String> = (first..count).step_by(step).take(limit).map(item).collect();
        let next = first + limit * step;
        if next < count {
            let last = next - step;
            let key = json!({"pk": {"S": format!("n#{last}")}});
            return format!(r#"{{"Items":[{}],"LastEvaluatedKey":{key}}}"#, items.join(","));
        }
        if denials && segment == 0 {
            items.extend(self.0.puts.lock().unwrap().iter().map(|(_, item)| item.clone()));
        }
        format!(r#"{{"Items":[{}]}}"#, items.join(","))
    }

    fn changes(&self, body: &Value) -> String {
        let since = body["ExpressionAttributeValues"][":since"]["S"].as_str().unwrap();
        let puts = self.0.puts.lock().unwrap();
        let items: Vec<&str> =
            puts.iter().filter(|(at, _)| at.as_str() > since).map(|(_, item)| item.as_str()).collect();
        format!(r#"{{"Items":[{}]}}"#, items.join(","))
    }
}

fn listed(n: usize) -> String {
    denial(&format!("{:x}", 0x1000_0000_0000_usize + n), "2026-11-23T10:00:00.000000Z")
}

fn denial(serial: &str, at: &str) -> String {
    format!(
        r#"{{"pk":{{"S":"serial#{serial}"}},"serialNumber":{{"S":"{serial}"}},"reason":{{"S":"KEY_COMPROMISE"}},"requestedBy":{{"S":"alice"}},"at":{{"S":"{at}"}},"all":{{"S":"all"}},"changedAt":{{"S":"{at}"}}}}"#
    )
}

fn entry(n: usize) -> String {
    format!(
        r#"{{"identity":"spiffe://a.example/{n}","permit":[{{"methods":["GET"],"paths":["/v1/{n}","/v1/{n}/{{id}}"]}}]}}"#
    )
}

fn caller(n: usize) -> String {
    let item = json!({
        "pk": {"S": format!("caller#{PUBLICATION}#{n}")}, "publication": {"S": PUBLICATION}, "entry": {"S": entry(n)},
    });
    item.to_string()
}

fn meta(callers: usize) -> Value {
    let mut digest = Sha256::new().chain_update(HEAD).chain_update("\n");
    for n in 0..callers {
        digest.update(entry(n));
        digest.update("\n");
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "pk": {"S": "meta"}, "revision": {"S": "r1"}, "publication": {"S": PUBLICATION}, "head": {"S": HEAD},
        "consumers": {"N": "0"}, "callers": {"N": callers.to_string()}, "digest": {"S": digest},
    })
}
