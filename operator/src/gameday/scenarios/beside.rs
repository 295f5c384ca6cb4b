//! What would harm everybody: played on a runtime of our own beside the target.

use std::time::{Duration, Instant};

use anyhow::bail;
use policy::Timestamp;
use rustls::AlertDescription;

use super::lab::{Lab, MAX_STALENESS};
use super::{AGAIN, Ended, call, until};
use crate::gameday::field::Field;
use crate::gameday::scenario::Seen;

/// How long the CRL that is to end is good: the runtime looks for a new one every second.
const CRL_LIFE: Duration = Duration::from_secs(5);
/// CRLs and clocks count seconds.
const SECOND: f64 = 1.0;

fn is_served(ended: &Ended) -> bool {
    matches!(ended, Ended::Answered(200, _))
}

async fn ask(lab: &Lab) -> anyhow::Result<Ended> {
    call(&lab.caller, lab.runtime.address, Lab::PATH).await
}

/// The first answer that is not 200, and when it came; what else may come is the caller's to judge.
async fn no_longer_served(field: &Field, lab: &Lab, within: Duration) -> anyhow::Result<(Ended, Instant)> {
    let began = Instant::now();
    loop {
        match ask(lab).await {
            Ok(ended) if is_served(&ended) && began.elapsed() > within + field.patience => {
                bail!("still served {} s after the time it should have ended", field.patience.as_secs())
            }
            Ok(ended) if is_served(&ended) => tokio::time::sleep(AGAIN).await,
            Ok(ended) => return Ok((ended, Instant::now())),
            Err(error) => return Err(error),
        }
    }
}

/// How long until it is served again.
async fn served_again(field: &Field, lab: &Lab) -> anyhow::Result<f64> {
    let began = Instant::now();
    until(field, "service as before", async || Ok(is_served(&ask(lab).await?).then(|| began.elapsed().as_secs_f64())))
        .await
}

async fn started(field: &Field) -> anyhow::Result<Lab> {
    let lab = Lab::start(field).await?;
    match ask(&lab).await? {
        ended if is_served(&ended) => Ok(lab),
        other => bail!("{other} before anything was broken"),
    }
}

pub(super) async fn stale_crl(field: &Field) -> anyhow::Result<Seen> {
    let mut lab = started(field).await?;
    let end = Timestamp::now() + CRL_LIFE;
    lab.crl_until(end)?;
    let mut open = lab.caller.open(lab.runtime.address).await?;
    open.call(Lab::PATH).await?;
    let (ended, _) = no_longer_served(field, &lab, CRL_LIFE).await?;
    let late = Timestamp::now().duration_since(end).as_secs_f64();
    if late < -SECOND {
        bail!("{ended} already {:.1} s before nextUpdate", -late);
    }
    let is_stale = matches!(&ended, Ended::Answered(401, reason) if reason == "crlStale");
    if !is_stale && ended != Ended::Refused(AlertDescription::UnknownCA) {
        bail!("{ended} instead of crlStale");
    }
    let known = tokio::time::timeout(
        field.patience,
        lab.runtime.logged("crlStale", |line| {
            [line.get("cause"), line.get("reason")].into_iter().flatten().any(|cause| cause == "crlStale")
        }),
    );
    known.await.map_err(|_| anyhow::anyhow!("refused, but the log does not say crlStale"))??;
    let on_open = match open.call(Lab::PATH).await {
        Ok(answer) if answer.status == 401 => "the open connection got 401".to_owned(),
        Ok(answer) => bail!("the connection that was open is still answered: {}", answer.status),
        Err(_) => "the open connection was closed".to_owned(),
    };
    lab.crl_until(Timestamp::now() + Duration::from_secs(86_400))?;
    let again = served_again(field, &lab).await?;
    let words = format!(
        "refused {:.2} s after nextUpdate ({ended}), {on_open}; served again {again:.2} s after a new CRL was there",
        late.max(0.0)
    );
    Ok(Seen { words, detection: Some(late.max(0.0)), propagation: Some(again) })
}

pub(super) async fn policy_outage(field: &Field) -> anyhow::Result<Seen> {
    let lab = started(field).await?;
    let away = lab.policy.with_extension("away");
    std::fs::rename(&lab.policy, &away)?;
    let began = Instant::now();
    let (ended, at) = no_longer_served(field, &lab, MAX_STALENESS).await?;
    let seconds = at.duration_since(began).as_secs_f64();
    if ended != Ended::Answered(403, "policyStale".to_owned()) {
        bail!("{ended} after {seconds:.2} s instead of 403 policyStale");
    }
    // It may have been read up to a second before it went.
    let earliest = MAX_STALENESS.as_secs_f64() - 2.0 * SECOND;
    if seconds < earliest {
        bail!("denied after {seconds:.2} s: the last good policy was to serve for {} s", MAX_STALENESS.as_secs());
    }
    std::fs::rename(&away, &lab.policy)?;
    let again = served_again(field, &lab).await?;
    let words = format!(
        "served for {seconds:.2} s by the last good policy, then {ended}; served again {again:.2} s after it was back"
    );
    Ok(Seen { words, detection: Some(seconds), propagation: Some(again) })
}
