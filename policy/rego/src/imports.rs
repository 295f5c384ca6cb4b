//! Calls of functions by the name they were imported under: `import data.lib`, then `lib.f(x)`. This release of regorus
//! knows imported names in references, not in calls, so they are written out, `data.lib.f(x)`, before it evaluates them.

use regorus::unstable::{Expr, Ref, Span};

use crate::Module;
use crate::builtins::{Calls, ParsedModule, functions, imports};

/// The modules with such calls written out; none if there are no such calls. Lines stay where they are.
pub(crate) fn written_out(modules: &[Module], parsed: &[Ref<ParsedModule>]) -> Option<Vec<Module>> {
    let own = parsed.iter().flat_map(|module| functions(module)).collect();
    let places: Vec<_> = parsed.iter().map(|module| places(module, &own)).collect();
    if places.iter().all(Vec::is_empty) {
        return None;
    }
    Some(modules.iter().zip(places).map(|(module, places)| replaced(module, places)).collect())
}

/// Where an imported name begins a call, and what it stands for.
fn places(module: &ParsedModule, own: &std::collections::HashSet<String>) -> Vec<(Span, String)> {
    let imports = imports(module);
    let mut places = Vec::new();
    let mut found = |name: &str, call: &Expr| {
        let (alias, rest) = name.split_at(name.find('.').unwrap_or(name.len()));
        let target = imports.get(alias).filter(|target| own.contains(&format!("{target}{rest}")));
        if let (Some(target), Expr::Call { fcn, .. }) = (target, call) {
            places.extend(first(fcn).map(|span| (span.clone(), target.clone())));
        }
    };
    let mut calls = Calls { found: &mut found };
    for rule in &module.policy {
        calls.in_rule(rule);
    }
    places
}

/// `a` of `a.b.c`.
fn first(expr: &Expr) -> Option<&Span> {
    match expr {
        Expr::Var { span, .. } => Some(span),
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => first(refr),
        _ => None,
    }
}

fn replaced(module: &Module, mut places: Vec<(Span, String)>) -> Module {
    places.sort_by_key(|(span, _)| span.start);
    let mut text = String::with_capacity(module.text.len());
    let mut done = 0;
    for (span, target) in places {
        let (start, end) = (span.start as usize, span.end as usize);
        if let Some(before) = module.text.get(done..start) {
            text.push_str(before);
            text.push_str(&target);
            done = end;
        }
    }
    text.push_str(module.text.get(done..).unwrap_or_default());
    Module { text, ..module.clone() }
}
