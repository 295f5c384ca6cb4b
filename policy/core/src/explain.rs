//! Why a request is decided as it is, check by check, and what would have had to match.

use jiff::Timestamp;

use crate::access::{AccessRequest, Decision, authorize};
use crate::path_template::Part;
use crate::policy::{Caller, Rule};
use crate::{AccountId, IdentityPattern, MethodSet, PathTemplate, Policy, RequestPath, RuleId, SpiffeId};

/// A decision with everything that led to it.
#[derive(Debug, Clone)]
pub struct Explanation<'p> {
    /// What the gate decides.
    pub decision: Decision<'p>,
    /// What the caller's entry says; none when the policy does not name the caller.
    pub entry: Option<EntryExplanation<'p>>,
    /// When it does not: the identity it names that is most like the caller's.
    pub similar_identity: Option<IdentityPattern>,
}

/// What the one entry that counts says, check by check. The gate stops at the first that fails; this goes on.
#[derive(Debug, Clone)]
pub struct EntryExplanation<'p> {
    /// Whom the entry is for.
    pub identity: IdentityPattern,
    /// The end of the grant; none means never.
    pub valid_until: Option<Timestamp>,
    /// Whether it has passed.
    pub is_expired: bool,
    /// The accounts the caller must come through; none means any.
    pub accounts: Option<&'p [AccountId]>,
    /// Whether it does.
    pub account_fits: bool,
    /// The forbid rule that matches.
    pub forbid: Option<RuleMatch<'p>>,
    /// The permit rule that matches, whether or not it comes to count.
    pub permit: Option<RuleMatch<'p>>,
    /// When no permit rule matches: the one that comes nearest, none if there is none at all.
    pub nearest: Option<NearMiss<'p>>,
}

/// A rule, and the template of it in question.
#[derive(Debug, Clone, Copy)]
pub struct RuleMatch<'p> {
    /// The rule's name.
    pub rule: &'p RuleId,
    /// The methods it is for.
    pub methods: &'p MethodSet,
    /// The template.
    pub template: &'p PathTemplate,
}

/// A permit rule that does not match, and why.
#[derive(Debug, Clone)]
pub struct NearMiss<'p> {
    /// The rule, with its nearest template.
    pub rule: RuleMatch<'p>,
    /// Whether the method is one of the rule's.
    pub method_fits: bool,
    /// Where template and path part; none when the path fits.
    pub differs: Option<Difference<'p>>,
}

/// The first segment at which a path does not fit a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'p> {
    /// What the template has there; none when it ends before.
    pub template: Option<&'p str>,
    /// What the path has there; none when it ends before.
    pub path: Option<String>,
}

/// Decides a request and says why. The decision is that of [`authorize`].
#[must_use]
pub fn explain<'p>(policy: &'p Policy, request: &AccessRequest<'_>) -> Explanation<'p> {
    let entry = policy.entry(request.identity).map(|(identity, caller)| explain_entry(identity, caller, request));
    let similar_identity = if entry.is_none() { similar(policy, request.identity) } else { None };
    Explanation { decision: authorize(policy, request), entry, similar_identity }
}

fn explain_entry<'p>(
    identity: IdentityPattern,
    caller: &'p Caller,
    request: &AccessRequest<'_>,
) -> EntryExplanation<'p> {
    let accounts = caller.accounts.as_deref();
    let matching = |rules: &'p [Rule], fits: fn(&PathTemplate, &RequestPath<'_>) -> bool| {
        let rules = rules.iter().filter(|rule| rule.methods().contains(request.method));
        let mut matches = rules.filter_map(|rule| {
            let template = rule.paths().iter().find(|template| fits(template, request.path))?;
            Some(RuleMatch { rule: &rule.id, methods: rule.methods(), template })
        });
        matches.next()
    };
    let permit = matching(&caller.permit, PathTemplate::matches);
    EntryExplanation {
        identity,
        valid_until: caller.valid_until,
        is_expired: caller.valid_until.is_some_and(|end| request.now >= end),
        accounts,
        account_fits: accounts.is_none_or(|accounts| request.account.is_some_and(|own| accounts.contains(own))),
        forbid: matching(&caller.forbid, PathTemplate::matches_as_read),
        permit,
        nearest: if permit.is_none() { nearest(&caller.permit, request) } else { None },
    }
}

/// The rule with the longest common start of the path; of equals the one for the method, then the first.
fn nearest<'p>(rules: &'p [Rule], request: &AccessRequest<'_>) -> Option<NearMiss<'p>> {
    let candidates = rules.iter().flat_map(|rule| rule.paths().iter().map(move |template| (rule, template)));
    let misses = candidates.map(|(rule, template)| {
        let (fitting, differs) = compare(template, request.path);
        let method_fits = rule.methods().contains(request.method);
        let rule = RuleMatch { rule: &rule.id, methods: rule.methods(), template };
        ((differs.is_none(), fitting, method_fits), NearMiss { rule, method_fits, differs })
    });
    misses.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, miss)| miss)
}

/// How many segments fit from the start on, and the first that does not.
fn compare<'p>(template: &'p PathTemplate, path: &RequestPath<'_>) -> (usize, Option<Difference<'p>>) {
    let mut segments = path.as_str().split('/').skip(1);
    let mut fitting = 0;
    for (part, text) in template.parts() {
        let segment = segments.next();
        let fits = match (part, segment) {
            (Part::Tail, Some(_)) => return (fitting, None),
            (Part::Parameter, Some(segment)) => !segment.is_empty(),
            (Part::Literal, Some(segment)) => segment == text,
            (_, None) => false,
        };
        if !fits {
            return (fitting, Some(Difference { template: Some(text), path: segment.map(str::to_owned) }));
        }
        fitting += 1;
    }
    let further = segments.next().map(|segment| Difference { template: None, path: Some(segment.to_owned()) });
    (fitting, further)
}

/// The identity in the policy that shares the most letters at start and end, if that is most of them.
fn similar(policy: &Policy, identity: &SpiffeId) -> Option<IdentityPattern> {
    let path = identity.path();
    let likeness = |other: &str| {
        let start = path.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let left = path.len().min(other.len()) - start;
        start + path.bytes().rev().zip(other.bytes().rev()).take(left).take_while(|(a, b)| a == b).count()
    };
    let ranked = policy.patterns().map(|pattern| (likeness(pattern.base().path()), std::cmp::Reverse(pattern)));
    let (likeness, std::cmp::Reverse(pattern)) = ranked.max()?;
    (2 * likeness > path.len()).then_some(pattern)
}
