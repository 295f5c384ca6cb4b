//! What would take the interpreter deeper than a thread's stack goes: it recurses along expressions and calls, and its
//! parser bounds only how deep brackets nest.

use std::collections::{HashMap, HashSet};

use regorus::unstable::{Ref, Rule, RuleHead, Span};

use crate::Module;
use crate::builtins::{Calls, ParsedModule, candidates, functions, imports, package, path};
use crate::error::RegoProblem;

/// Of one expression; people write ten.
const STEPS: usize = 128;

/// Brackets in brackets; regorus bounds most of them at 32 itself.
const NESTING: usize = 48;

/// The first expression of a module with more of either: `a.b.c`, `a[b]`, `1 + 2` are steps. Asked before parsing, which builds them
/// link by link.
pub(crate) fn endless_expression(module: &Module) -> Option<RegoProblem> {
    let mut scan = Scan { levels: vec![0], previous: b'\n' };
    let mut rest = module.text.as_str();
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = token(rest).max(first.len_utf8());
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if scan.see(token, after) > STEPS || scan.levels.len() > NESTING {
            let message = "an expression goes on for more than 128 steps or 48 brackets; give a part of it a name";
            return Some(RegoProblem { line, column: 1, ..RegoProblem::of_file(&module.path, message) });
        }
        line += u32::try_from(token.matches('\n').count()).unwrap_or(u32::MAX);
        rest = after;
    }
    None
}

/// The length of a string or a comment at the beginning of the text; 0 if there is none.
fn token(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b'#') => text.find('\n').unwrap_or(text.len()),
        Some(b'`') => text.get(1..).and_then(|rest| rest.find('`')).map_or(text.len(), |end| end + 2),
        Some(b'"') => {
            let mut escaped = false;
            let end = text.bytes().skip(1).position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |end| end + 2)
        }
        _ => 0,
    }
}

/// Steps of the expressions around the present place, the innermost last.
struct Scan {
    levels: Vec<usize>,
    previous: u8,
}

impl Scan {
    /// The steps of the expression so far.
    fn see(&mut self, token: &str, after: &str) -> usize {
        let byte = token.bytes().next().unwrap_or_default();
        match byte {
            b'(' | b'[' | b'{' => {
                self.step();
                self.levels.push(0);
            }
            b')' | b']' | b'}' => _ = self.levels.pop(),
            b',' | b';' => self.start(),
            b'\n' if !joins(self.previous) && !after.trim_start().bytes().next().is_some_and(joins) => self.start(),
            b'.' => self.step(),
            _ if is_operator(byte) => self.step(),
            _ => {}
        }
        if !byte.is_ascii_whitespace() && byte != b'#' {
            self.previous = byte;
        }
        self.levels.last().copied().unwrap_or_default()
    }

    fn step(&mut self) {
        if let Some(steps) = self.levels.last_mut() {
            *steps += 1;
        }
    }

    fn start(&mut self) {
        if let Some(steps) = self.levels.last_mut() {
            *steps = 0;
        }
    }
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'<' | b'>' | b'=' | b'!')
}

/// Whether an expression goes on over a line break that is before or behind it.
fn joins(byte: u8) -> bool {
    is_operator(byte) || matches!(byte, b'.' | b'[' | b'(')
}

/// Functions that call themselves, over whatever others; of rules that do, the interpreter says so itself.
pub(crate) fn recursions(modules: &[Ref<ParsedModule>]) -> Vec<RegoProblem> {
    let own: HashSet<String> = modules.iter().flat_map(|module| functions(module)).collect();
    let mut calls: HashMap<String, HashSet<String>> = HashMap::new();
    let mut places: HashMap<String, Span> = HashMap::new();
    for module in modules {
        let imports = imports(module);
        for rule in &module.policy {
            let Rule::Spec { head: RuleHead::Func { refr, .. }, span, .. } = &**rule else { continue };
            let Some(name) = path(refr).map(|name| format!("{}.{name}", package(module))) else { continue };
            let called = calls.entry(name.clone()).or_default();
            places.entry(name).or_insert_with(|| span.clone());
            let mut found = |name: &str, _: &_| {
                called.extend(candidates(name, &package(module), &imports).find(|candidate| own.contains(candidate)));
            };
            Calls { found: &mut found }.in_rule(rule);
        }
    }
    let itself = |name: &&String| reaches(&calls, name);
    let mut problems: Vec<RegoProblem> = calls
        .keys()
        .filter(itself)
        .filter_map(|name| {
            let span = places.get(name)?;
            let message =
                format!("function `{name}` calls itself, which Rego does not allow; use `walk` or a list in the data");
            let file = Some(span.source.get_path().clone());
            Some(RegoProblem { file, line: span.line, column: span.col, message })
        })
        .collect();
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems
}

/// Whether the function's calls lead back to it.
fn reaches(calls: &HashMap<String, HashSet<String>>, name: &String) -> bool {
    let mut seen = HashSet::new();
    let mut open: Vec<&String> = calls.get(name).into_iter().flatten().collect();
    while let Some(next) = open.pop() {
        if next == name {
            return true;
        }
        if seen.insert(next) {
            open.extend(calls.get(next).into_iter().flatten());
        }
    }
    false
}
