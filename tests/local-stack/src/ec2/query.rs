//! AWS's Query protocol: a form goes out, XML comes back.

use http::{Method, Request};
use http_body_util::Full;
use roxmltree::{Document, Node};

use crate::account::Account;
use crate::wire::{self, WireError};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    #[error(transparent)]
    Wire(#[from] WireError),
    /// What the service answered.
    #[error("{action}: {code}: {message}")]
    Refused { action: String, code: String, message: String },
    #[error("{action} answered what is no XML")]
    Xml { action: String, source: roxmltree::Error },
    #[error("{action} answered without `{element}`")]
    Missing { action: String, element: &'static str },
}

impl Ec2Error {
    /// The service's error code, if it was the service that refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// A service of the Query protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// As in the credential scope.
    pub(super) signing_name: &'static str,
    pub(super) version: &'static str,
}

pub(super) const EC2: Service = Service { signing_name: "ec2", version: "2016-11-15" };
pub(super) const ELB: Service = Service { signing_name: "elasticloadbalancing", version: "2015-12-01" };

/// The parameters of a call, in order.
pub(super) type Parameters = Vec<(String, String)>;

/// `Name.1`, `Name.2` …
pub(super) fn list(name: &str, values: &[&str]) -> Parameters {
    values.iter().zip(1..).map(|(value, index)| (format!("{name}.{index}"), (*value).to_owned())).collect()
}

pub(super) fn one(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) account: Account,
}

impl Client {
    /// Calls, and reads what `read` finds below the answer's root; `element` is what is missing when it finds nothing.
    pub(super) async fn call<T>(
        &self,
        service: Service,
        action: &str,
        parameters: Parameters,
        element: &'static str,
        read: impl FnOnce(Node<'_, '_>) -> Option<T>,
    ) -> Result<T, Ec2Error> {
        let answer = self.post(service, action, parameters).await?;
        let xml = |source| Ec2Error::Xml { action: action.to_owned(), source };
        let document = Document::parse(&answer).map_err(xml)?;
        let root = document.root_element();
        if let Some(error) =
            descendant(root, "Error").filter(|error| child(*error, "Code").is_some() && is_refusal(root))
        {
            let text = |name| child(error, name).unwrap_or_default();
            return Err(Ec2Error::Refused { action: action.to_owned(), code: text("Code"), message: text("Message") });
        }
        read(root).ok_or(Ec2Error::Missing { action: action.to_owned(), element })
    }

    async fn post(&self, service: Service, action: &str, parameters: Parameters) -> Result<String, Ec2Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", service.version).extend_pairs(parameters);
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", self.account.authorization(&self.region, service.signing_name))
            .body(Full::from(form.finish()))
            .map_err(WireError::from)?;
        let (_, body) = wire::send(&self.endpoint, request).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// EC2 and the other Query services wrap their errors differently; items of `Unsuccessful` hold errors too.
fn is_refusal(root: Node<'_, '_>) -> bool {
    matches!(root.tag_name().name(), "Response" | "ErrorResponse")
}

/// The first element of that name, at any depth.
pub(super) fn descendant<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants().find(|node| node.tag_name().name() == name)
}

/// The text of the first child of that name.
pub(super) fn child(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.children().find(|node| node.tag_name().name() == name).and_then(|node| node.text()).map(str::to_owned)
}

/// The text of the first element of that name, at any depth.
pub(super) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    descendant(node, name).and_then(|node| node.text()).map(str::to_owned)
}

/// What `read` makes of each `item` of a set.
pub(super) fn items<T>(root: Node<'_, '_>, set: &str, read: impl Fn(Node<'_, '_>) -> Option<T>) -> Vec<T> {
    let set = descendant(root, set);
    let items = set.into_iter().flat_map(|set| set.children()).filter(|node| node.tag_name().name() == "item");
    items.filter_map(read).collect()
}
