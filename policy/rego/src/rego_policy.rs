//! A policy in Rego, checked and ready to decide.

use std::cell::Cell;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, LimitError, PolicyLengthConfig, Value};

use crate::error::{RegoError, RegoProblem};
use crate::input::RegoRequest;
use crate::outcome::RegoDecision;
use crate::{ENTRYPOINT, builtins, depth, extensions, imports, place, samples};

/// A Rego file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its path in the bundle; errors name it.
    pub path: String,
    /// Its source.
    pub text: String,
    /// Whether it is written in Rego as it was before OPA 1.0, which the bundle's manifest says.
    pub v0: bool,
}

/// A policy in Rego, checked and ready to decide. Shared by threads without a lock: each evaluates on a copy of the
/// engine of its own, which shares the parsed policy and the data.
#[derive(Debug)]
pub struct RegoPolicy {
    id: u64,
    engine: Engine,
}

/// An interpreter reads the clock once in so many steps, each well below a microsecond.
const STEPS_BETWEEN_CLOCK_READS: NonZeroU32 = NonZeroU32::new(32).unwrap();
/// Generated Rego has long lines; a bundle is bounded as a whole besides.
const LENGTHS: PolicyLengthConfig = PolicyLengthConfig {
    max_col: NonZeroU32::new(16_384).unwrap(),
    max_file_bytes: NonZeroUsize::new(8 * 1024 * 1024).unwrap(),
    max_lines: NonZeroUsize::new(200_000).unwrap(),
};

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The engine this thread used last, and the policy it is of. A thread that serves no more keeps it until it ends.
    static ENGINE: Cell<Option<(u64, Engine)>> = const { Cell::new(None) };
}

impl RegoPolicy {
    /// Parses the modules, checks that they can decide, and has them answer sample requests. `roots` are the paths they
    /// may define (`[""]`: any), `data` is what the policy sees as `data`, beside its rules; `budget` is how long one
    /// evaluation may take.
    ///
    /// # Errors
    /// All that is wrong in the first step that finds something wrong: with the modules' syntax, with where their rules
    /// are, with the functions they call, with the entrypoint, with the answers to sample requests.
    pub fn compile(
        modules: &[Module],
        roots: &[String],
        data: serde_json::Value,
        budget: Duration,
    ) -> Result<Self, RegoError> {
        none(modules.iter().filter_map(depth::endless_expression).collect())?;
        let mut engine = parse(modules)?;
        let general = |message: String| RegoError::new(vec![RegoProblem::general(message)]);
        let parsed = engine.get_modules();
        none(place::outside(parsed, roots))?;
        none(place::conflicts(parsed, &data))?;
        none(builtins::unsupported(parsed))?;
        none(depth::recursions(parsed))?;
        if let Some(modules) = imports::written_out(modules, parsed) {
            engine = parse(&modules)?;
        }
        engine.add_data(Value::from(data)).map_err(|error| general(format!("the bundle's data: {error}")))?;
        extensions::install(&mut engine).map_err(general)?;
        // What cannot be computed must not look like what is not so: `not f(x)` would become true.
        engine.set_strict_builtin_errors(true);
        engine.set_gather_prints(true);
        engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: budget,
            check_interval: STEPS_BETWEEN_CLOCK_READS,
        });
        let entrypoint = engine.compile_with_entrypoint(&ENTRYPOINT.into());
        entrypoint.map_err(|error| RegoError::new(vec![analysis(&error.to_string())]))?;
        let policy = Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), engine };
        none(samples::problem(&policy).into_iter().collect())?;
        Ok(policy)
    }

    /// Decides a request. What cannot be evaluated, takes longer than the budget, or is too large to try, is denied.
    #[must_use]
    pub fn decide(&self, request: &RegoRequest<'_>) -> RegoDecision {
        match self.evaluate(request) {
            Ok(value) => RegoDecision::of(&value),
            Err(problem) => RegoDecision::error(problem.to_string()),
        }
    }

    pub(crate) fn evaluate(&self, request: &RegoRequest<'_>) -> Result<Value, RegoProblem> {
        let input =
            request.to_value().ok_or_else(|| RegoProblem::general("the request is too large to be evaluated"))?;
        extensions::set_now(request.access.now);
        // Taken out while in use, and kept only after a success: an evaluation that stops half-way leaves behind what a
        // `with` had put in the place of inputs and functions.
        let kept = ENGINE.take().filter(|(id, _)| *id == self.id);
        let (id, mut engine) = kept.unwrap_or_else(|| (self.id, self.engine.clone()));
        engine.set_input(input.clone());
        let mut result = engine.eval_rule(ENTRYPOINT.to_owned());
        if result.as_ref().is_err_and(|error| error.is::<LimitError>()) {
            // The budget is time on the wall. A machine that gives its processor to others for longer than that is not
            // the policy's fault, nor the caller's: once more, and no more than that.
            engine = self.engine.clone();
            engine.set_input(input);
            result = engine.eval_rule(ENTRYPOINT.to_owned());
        }
        // `print` is for `opa eval`; here its output, which callers have a say in, goes nowhere.
        let _ = engine.take_prints();
        if result.is_ok() {
            ENGINE.set(Some((id, engine)));
        }
        result.map_err(|error| RegoProblem::from_message(&error.to_string()))
    }
}

fn none(problems: Vec<RegoProblem>) -> Result<(), RegoError> {
    if problems.is_empty() { Ok(()) } else { Err(RegoError::new(problems)) }
}

fn parse(modules: &[Module]) -> Result<Engine, RegoError> {
    let mut engine = Engine::new();
    engine.set_policy_length_config(LENGTHS);
    let mut problems = Vec::new();
    for Module { path, text, v0 } in modules {
        engine.set_rego_v0(*v0);
        if let Err(error) = engine.add_policy(path.clone(), text.clone()) {
            let problem = RegoProblem::from_message(&error.to_string());
            problems.push(match problem.file {
                Some(_) => problem,
                None => RegoProblem::of_file(path, problem.message),
            });
        }
    }
    none(problems)?;
    Ok(engine)
}

fn analysis(message: &str) -> RegoProblem {
    if message.contains("not a valid rule path") {
        let needed = "write `package linkward` and in it `authz := {\"allow\": …, \"reason\": …, \"rule\": …}`";
        return RegoProblem::general(format!("there is no rule `{ENTRYPOINT}`; {needed}"));
    }
    RegoProblem::from_message(message)
}
