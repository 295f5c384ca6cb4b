//! `linkward doctor`: looks at everything a call passes and everything the gates stand on, and says what to do. Changes nothing.

mod account;
mod authority;
mod bus;
mod call;
mod check;
mod deployment;
mod dns;
mod endpoint;
mod functions;
mod load_balancer;
mod notifications;
mod permissions;
mod service;
mod source;
mod tables;
mod tls;

use std::process::ExitCode;

use aws_config::SdkConfig;
use serde_json::json;

use self::check::{Examination, Status};
use crate::aws::{self, signed::Signed};
use crate::cli::{DoctorOptions, Side};
use crate::output::{self, Cell, Screen, Style};

/// How AWS is asked.
struct Aws {
    sdk: SdkConfig,
    signed: Signed,
}

/// `doctor`.
pub(crate) fn command(options: &DoctorOptions, screen: &Screen) -> anyhow::Result<ExitCode> {
    let examination = aws::block_on(async {
        let sdk = aws::config().await;
        let signed = Signed::new(&sdk)?;
        let mut examination = Examination::new();
        examine(&Aws { sdk, signed }, options, &mut examination).await;
        Ok(examination)
    })?;
    tell(options.from, &examination, screen);
    Ok(ExitCode::from(u8::from(examination.status() == Status::Red)))
}

/// A call's way first, then what the gates stand on.
async fn examine(aws: &Aws, options: &DoctorOptions, examination: &mut Examination) {
    call::examine(&options.call, examination).await;
    let account = examination.check("account", account::check(aws, options)).await;
    match options.from {
        Side::Consumer => endpoint::examine(aws, options, examination).await,
        Side::Provider => provider(aws, options, account, examination).await,
    }
}

async fn provider(aws: &Aws, options: &DoctorOptions, account: Option<String>, examination: &mut Examination) {
    let ours = &options.provider;
    service::examine(aws, &ours.services, examination).await;
    notifications::examine(aws, ours, examination).await;
    let policy = source::examine(aws, ours, examination).await;
    examination.simple("tables", tables::check(aws, ours)).await;
    examination.simple("eventBus", bus::check(aws, ours)).await;
    let roles = functions::examine(aws, ours, policy, examination).await;
    match (roles, account) {
        (Some(roles), Some(account)) => {
            examination.simple("permissions", permissions::check(aws, ours, &roles, &account)).await;
        }
        _ => examination.skip(&["permissions"], "the functions' roles are not known"),
    }
    authority::examine(aws, &ours.authorities, examination).await;
}

fn tell(side: Side, examination: &Examination, screen: &Screen) {
    if screen.is_json() {
        let side = if side == Side::Provider { "provider" } else { "consumer" };
        output::say_json(&json!({
            "from": side,
            "status": examination.status(),
            "checks": examination.checks,
            "unchecked": examination.unchecked,
        }));
        return;
    }
    let mut rows = Vec::new();
    for check in &examination.checks {
        let (mark, style) = match check.finding.status {
            Status::Green => ("✓", Style::Good),
            Status::Yellow => ("!", Style::Warning),
            Status::Red => ("✗", Style::Bad),
        };
        rows.push(vec![Cell::new(style, mark), check.name.into(), check.finding.found.as_str().into()]);
        rows.extend(
            check
                .finding
                .remedy
                .iter()
                .map(|remedy| vec!["".into(), "".into(), Cell::new(style, format!("→ {remedy}"))]),
        );
    }
    for unchecked in &examination.unchecked {
        let cells =
            ["-", unchecked.name, &format!("not checked: {}", unchecked.why)].map(|text| Cell::new(Style::Dim, text));
        rows.push(cells.to_vec());
    }
    screen.rows("", &rows);
    output::say("");
    let number = |status: Status| examination.checks.iter().filter(|check| check.finding.status == status).count();
    let (green, yellow, red) = (number(Status::Green), number(Status::Yellow), number(Status::Red));
    let style = if red > 0 {
        Style::Bad
    } else if yellow > 0 {
        Style::Warning
    } else {
        Style::Good
    };
    let sentence = format!("{green} green, {yellow} yellow, {red} red, {} not checked", examination.unchecked.len());
    screen.line(style, &sentence);
}
