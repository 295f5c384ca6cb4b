//! Where rules are: inside of the bundle's roots, and where no data is. regorus would take data for a rule's value.

use regorus::unstable::{Expr, Ref, Rule, RuleHead, Span};
use serde_json::Value;

use crate::builtins::ParsedModule;
use crate::error::RegoProblem;

/// Modules whose package is in none of the roots, which are paths with slashes; the empty one holds everything.
pub(crate) fn outside(modules: &[Ref<ParsedModule>], roots: &[String]) -> Vec<RegoProblem> {
    let is_below = |path: &str, root: &str| {
        root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let outside = |module: &Ref<ParsedModule>| {
        let path = package(module).join("/");
        let is_inside = roots.iter().any(|root| is_below(&path, root));
        let message = format!("its package `{path}` is outside of the roots in .manifest; correct one of them");
        (!is_inside).then(|| problem(&module.package.span, message))
    };
    modules.iter().filter_map(outside).collect()
}

/// Rules that the data has a value for, too.
pub(crate) fn conflicts(modules: &[Ref<ParsedModule>], data: &Value) -> Vec<RegoProblem> {
    let conflict = |rule: &Rule, package: &[String]| {
        let (refr, span) = match rule {
            Rule::Spec { head, span, .. } => match head {
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. } => (refr, span),
            },
            Rule::Default { refr, span, .. } => (refr, span),
        };
        let mut path = package.to_vec();
        name(refr, &mut path);
        let message = || format!("`data.{}` is a rule and is in the bundle's data; rename one of them", path.join("."));
        is_taken(data, &path).then(|| problem(span, message()))
    };
    let of_module = |module: &Ref<ParsedModule>| {
        let package = package(module);
        module.policy.iter().filter_map(|rule| conflict(rule, &package)).collect::<Vec<_>>()
    };
    modules.iter().flat_map(of_module).collect()
}

fn problem(span: &Span, message: String) -> RegoProblem {
    RegoProblem { file: Some(span.source.get_path().clone()), line: span.line, column: span.col, message }
}

/// `["a", "b"]` of `package a.b`.
fn package(module: &ParsedModule) -> Vec<String> {
    let mut path = Vec::new();
    name(&module.package.refr, &mut path);
    path
}

/// What can be told of a rule's path without evaluating it; whether that is all of it.
fn name(expr: &Expr, path: &mut Vec<String>) -> bool {
    match expr {
        Expr::Var { span, .. } => {
            path.push(span.text().to_owned());
            true
        }
        Expr::RefDot { refr, field, .. } => {
            let known = name(refr, path);
            if known {
                path.push(field.0.text().to_owned());
            }
            known
        }
        Expr::RefBrack { refr, index, .. } => match (name(refr, path), &**index) {
            (true, Expr::String { value, .. }) => {
                path.extend(value.as_string().map(|text| text.to_string()));
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a rule at the path would have a value of the data in its place.
fn is_taken(data: &Value, path: &[String]) -> bool {
    let mut place = data;
    for key in path {
        match place {
            Value::Object(fields) => match fields.get(key) {
                Some(below) => place = below,
                None => return false,
            },
            _ => return true,
        }
    }
    true
}
