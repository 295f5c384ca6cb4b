//! Which functions a policy calls that nobody answers: found at load, not when the first request reaches them.
//!
//! regorus says so only when a call is evaluated, and it offers its syntax tree only as `unstable`; the version in
//! Cargo.lock is the one this was written for.

use std::collections::{HashMap, HashSet};

use regorus::unstable::{BUILTINS, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleAssign, RuleHead};

use crate::error::RegoProblem;

pub(crate) type ParsedModule = regorus::unstable::Module;

/// Each call of a function that is neither the policy's own nor one that can be called here.
pub(crate) fn unsupported(modules: &[Ref<ParsedModule>]) -> Vec<RegoProblem> {
    let own: HashSet<String> = modules.iter().flat_map(|module| functions(module)).collect();
    modules.iter().flat_map(|module| unsupported_in(module, &own)).collect()
}

/// The policy's own functions: `data.package.name`.
pub(crate) fn functions(module: &ParsedModule) -> impl Iterator<Item = String> {
    let package = package(module);
    module.policy.iter().filter_map(move |rule| {
        let name = match &**rule {
            Rule::Spec { head: RuleHead::Func { refr, .. }, .. } => path(refr)?,
            Rule::Default { refr, args, .. } if !args.is_empty() => path(refr)?,
            _ => return None,
        };
        Some(format!("{package}.{name}"))
    })
}

fn unsupported_in(module: &ParsedModule, own: &HashSet<String>) -> Vec<RegoProblem> {
    let package = package(module);
    let imports = imports(module);
    let mut problems = Vec::new();
    let mut found = |name: &str, place: &Expr| {
        let known = candidates(name, &package, &imports).any(|candidate| own.contains(&candidate));
        if !known && !BUILTINS.contains_key(name) && name != "print" {
            let span = place.span();
            let file = Some(span.source.get_path().clone());
            problems.push(RegoProblem { file, line: span.line, column: span.col, message: message(name) });
        }
    };
    let mut calls = Calls { found: &mut found };
    for rule in &module.policy {
        calls.in_rule(rule);
    }
    problems
}

/// The paths of the function that a name can mean in a module of the package with these imports.
pub(crate) fn candidates(
    name: &str,
    package: &str,
    imports: &HashMap<String, String>,
) -> impl Iterator<Item = String> + use<> {
    let (alias, rest) = name.split_at(name.find('.').unwrap_or(name.len()));
    let imported = imports.get(alias).map(|target| format!("{target}{rest}"));
    [Some(format!("{package}.{name}")), Some(name.to_owned()), imported].into_iter().flatten()
}

fn message(name: &str) -> String {
    let why = match name.split_once('.') {
        Some(("http", _)) => "; a decision makes no network calls, put what it needs into the bundle's data",
        Some(("io" | "crypto", _)) => "; the caller is known by its certificate already, see `input.identity`",
        Some(("opa" | "rego" | "uuid", _)) => "; a decision depends on nothing but its input and data",
        _ => "; see the list of functions in docs/rego.md",
    };
    format!("function `{name}` is not supported{why}")
}

pub(crate) fn package(module: &ParsedModule) -> String {
    format!("data.{}", path(&module.package.refr).unwrap_or_default())
}

/// From the name in this module to the path it stands for.
pub(crate) fn imports(module: &ParsedModule) -> HashMap<String, String> {
    let import = |import: &regorus::unstable::Import| {
        let target = path(&import.refr)?;
        let alias = match &import.r#as {
            Some(span) => span.text().to_owned(),
            None => target.rsplit('.').next()?.to_owned(),
        };
        Some((alias, target))
    };
    module.imports.iter().filter_map(import).collect()
}

/// `a.b.c` of an expression that says so.
pub(crate) fn path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        Expr::RefDot { refr, field, .. } => Some(format!("{}.{}", path(refr)?, field.0.text())),
        Expr::RefBrack { refr, index, .. } => match &**index {
            Expr::String { value, .. } => Some(format!("{}.{}", path(refr)?, value.as_string().ok()?)),
            _ => None,
        },
        _ => None,
    }
}

/// Walks a syntax tree; its depth is bounded by the parser.
pub(crate) struct Calls<'f> {
    /// Told the name of the function as written, and the call.
    pub(crate) found: &'f mut dyn FnMut(&str, &Expr),
}

impl Calls<'_> {
    pub(crate) fn in_rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Default { value, .. } => self.in_expr(value),
            Rule::Spec { head, bodies, .. } => {
                self.in_head(head);
                for body in bodies {
                    self.in_assign(body.assign.as_ref());
                    self.in_query(&body.query);
                }
            }
        }
    }

    fn in_head(&mut self, head: &RuleHead) {
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.in_expr(refr);
                self.in_assign(assign.as_ref());
            }
            RuleHead::Set { refr, key, .. } => {
                self.in_expr(refr);
                self.in_all(key);
            }
            RuleHead::Func { args, assign, .. } => {
                self.in_all(args);
                self.in_assign(assign.as_ref());
            }
        }
    }

    fn in_assign(&mut self, assign: Option<&RuleAssign>) {
        if let Some(assign) = assign {
            self.in_expr(&assign.value);
        }
    }

    fn in_query(&mut self, query: &Query) {
        for statement in &query.stmts {
            self.in_statement(statement);
        }
    }

    fn in_statement(&mut self, statement: &LiteralStmt) {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                self.in_all(key);
                self.in_expr(value);
                self.in_expr(collection);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.in_expr(expr),
            Literal::Every { domain, query, .. } => {
                self.in_expr(domain);
                self.in_query(query);
            }
        }
        for modifier in &statement.with_mods {
            self.in_expr(&modifier.r#as);
        }
    }

    fn in_all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Ref<Expr>>) {
        for expr in exprs {
            self.in_expr(expr);
        }
    }

    fn in_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Var { .. } => {}
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.in_all(items),
            Expr::Object { fields, .. } => self.in_all(fields.iter().flat_map(|(_, key, value)| [key, value])),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.in_expr(term);
                self.in_query(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.in_all([key, value]);
                self.in_query(query);
            }
            Expr::Call { fcn, params, .. } => {
                if let Some(name) = path(fcn) {
                    (self.found)(&name, expr);
                }
                self.in_all(params);
            }
            Expr::UnaryExpr { expr, .. } => self.in_expr(expr),
            Expr::RefDot { refr, .. } => self.in_expr(refr),
            Expr::RefBrack { refr, index, .. } => self.in_all([refr, index]),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.in_all([lhs, rhs]),
            Expr::Membership { key, value, collection, .. } => {
                self.in_all(key);
                self.in_all([value, collection]);
            }
        }
    }
}
