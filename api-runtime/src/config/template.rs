//! What to read in a common name.

use std::str::FromStr;

use policy::{SpiffeId, TrustDomain};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `svc.{name}.{env}`: text, and places for a service's name and its environment. A common name of this form stands
/// for `spiffe://TRUST-DOMAIN/{env}/{name}`, or `spiffe://TRUST-DOMAIN/{name}` where the template has no `{env}`.
/// A value is one or more letters, digits, `-` and `_`: no dot, so that there is one way to read a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonNameTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Env,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a template of common names: {problem}; write for example `svc.{{name}}.{{env}}`")]
pub struct CommonNameTemplateError {
    text: String,
    problem: &'static str,
}

impl FromStr for CommonNameTemplate {
    type Err = CommonNameTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| CommonNameTemplateError { text: text.to_owned(), problem };
        let parts = parts(text).ok_or_else(|| error("only `{name}` and `{env}` may stand in braces"))?;
        let count = |wanted: Part| parts.iter().filter(|part| **part == wanted).count();
        if count(Part::Name) != 1 || count(Part::Env) > 1 {
            return Err(error("`{name}` must stand in it once, `{env}` at most once"));
        }
        let unclear = |pair: &[Part]| match pair {
            [Part::Text(_), _] => false,
            [_, Part::Text(text)] => text.starts_with(is_value),
            _ => true,
        };
        match parts.windows(2).any(unclear) {
            true => Err(error("what follows a place must not begin with a letter, a digit, `-`, `_` or a place")),
            false => Ok(Self { parts }),
        }
    }
}

fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = if let Some(after) = rest.strip_prefix("{name}") {
            (Part::Name, after)
        } else if let Some(after) = rest.strip_prefix("{env}") {
            (Part::Env, after)
        } else {
            let (text, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            (Part::Text(text.to_owned()), after)
        };
        if part == Part::Text(String::new()) || matches!(&part, Part::Text(text) if text.contains('}')) {
            return None;
        }
        parts.push(part);
        rest = after;
    }
    Some(parts)
}

fn is_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

impl CommonNameTemplate {
    /// The identity a common name stands for, if it has this form.
    pub fn identity(&self, common_name: &str, trust_domain: &TrustDomain) -> Option<SpiffeId> {
        let mut rest = common_name;
        let (mut name, mut env) = (None, None);
        for part in &self.parts {
            let place = match part {
                Part::Text(text) => {
                    rest = rest.strip_prefix(text.as_str())?;
                    continue;
                }
                Part::Name => &mut name,
                Part::Env => &mut env,
            };
            let (value, after) = rest.split_at(rest.find(|c| !is_value(c)).unwrap_or(rest.len()));
            *place = Some(value).filter(|value| !value.is_empty());
            rest = after;
        }
        let name = name.filter(|_| rest.is_empty())?;
        let uri = match self.parts.contains(&Part::Env) {
            true => format!("spiffe://{trust_domain}/{}/{name}", env?),
            false => format!("spiffe://{trust_domain}/{name}"),
        };
        uri.parse().ok()
    }
}

/// `off`, or a template.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CommonNameTemplate>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("off") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(D::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(template: &str, common_name: &str) -> Option<String> {
        let template: CommonNameTemplate = template.parse().unwrap();
        template.identity(common_name, &"internal.example".parse().unwrap()).map(|id| id.to_string())
    }

    #[test]
    fn a_common_name_of_the_form_stands_for_an_identity() {
        for (template, common_name, path) in [
            ("svc.{name}.{env}", "svc.orders-api.prod", "/prod/orders-api"),
            ("{env}/{name}", "prod/orders_api", "/prod/orders_api"),
            ("{name}", "Orders2", "/Orders2"),
            ("{name}.svc", "orders.svc", "/orders"),
        ] {
            assert_eq!(identity(template, common_name), Some(format!("spiffe://internal.example{path}")), "{template}");
        }
    }

    #[test]
    fn a_common_name_of_another_form_is_no_identity() {
        for common_name in [
            "",
            "svc",
            "svc.orders-api",
            "svc.orders-api.",
            "svc..prod",
            "svc.a.b.prod",
            "svc.orders-api.prod.x",
            "SVC.orders-api.prod",
            "svc.orders/api.prod",
            "svc.orders api.prod",
            " svc.orders-api.prod",
            "svc.ä.prod",
        ] {
            assert_eq!(identity("svc.{name}.{env}", common_name), None, "{common_name}");
        }
    }

    #[test]
    fn a_template_with_two_readings_is_refused() {
        for text in
            ["", "svc", "{env}", "{name}.{name}", "{name}{env}", "{name}x", "{name}-{env}", "{nam}", "{", "a}{name}"]
        {
            assert!(text.parse::<CommonNameTemplate>().is_err(), "{text}");
        }
    }
}
