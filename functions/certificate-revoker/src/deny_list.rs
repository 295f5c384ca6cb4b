//! The deny list: a DynamoDB table whose format is described at `policy_source::DenyListSource`.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use policy::deny_list::{DenyListEntry, Subject};
use policy::sortable_time;
use telemetry::{CallError, Deadline};

/// How long a withdrawn entry stays: so long an old request that comes again is known as such.
const WITHDRAWN_STAYS: Duration = Duration::from_secs(30 * 86_400);

/// A denial is written where there is none, over one that was withdrawn before it was asked for, and over a weaker one
/// (`expires`, `issuedBefore`), and over one that was asked for earlier, lest a withdrawal from between the two lifts it.
/// Otherwise what is there stays.
const WEAKER: &str = "attribute_not_exists(#pk) \
     OR ((attribute_not_exists(#withdrawn) OR #withdrawn = :false) AND attribute_exists(#at) AND #at < :asked) \
     OR (#withdrawn = :true AND (attribute_not_exists(#withdrawnAt) OR #withdrawnAt <= :asked)) \
     OR ((attribute_not_exists(#withdrawn) OR #withdrawn = :false) \
         AND (attribute_exists(#expires) OR attribute_exists(#expiresEpoch) OR attribute_exists(#issuedBefore)))";

/// A denial is lifted if it was not asked for later than the withdrawal.
const IN_FORCE: &str = "attribute_exists(#pk) AND (attribute_not_exists(#withdrawn) OR #withdrawn = :false) \
     AND (attribute_not_exists(#at) OR #at <= :asked)";

type Item = HashMap<String, AttributeValue>;

#[derive(Debug)]
pub(crate) struct DenyListTable {
    client: Client,
    table: String,
}

/// What became of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It is in force, now or since an earlier request.
    InForce,
    /// It was asked for before the withdrawal that is in force: an old request has come again.
    WithdrawnSince,
}

impl DenyListTable {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    pub(crate) async fn put(&self, entry: &DenyListEntry, asked: Timestamp, by: Deadline) -> Result<Denied, CallError> {
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(entry, Timestamp::now())))
            .condition_expression(WEAKER)
            .set_expression_attribute_names(Some(names(WEAKER)))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":asked", AttributeValue::S(sortable_time(asked)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let answer = by.limit(call.send()).await.ok_or_else(CallError::deadline_exceeded)?;
        match answer {
            Ok(_) => Ok(Denied::InForce),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(there)) => Ok(kept(there.item())),
                _ => Err(error.into()),
            },
        }
    }

    /// Whether there was an entry in force to lift. It is marked, not deleted: so every reader sees it at once, and a
    /// request from before is known when it comes again.
    pub(crate) async fn withdraw(&self, subject: &Subject, asked: Timestamp, by: Deadline) -> Result<bool, CallError> {
        let now = Timestamp::now();
        // Dated later it would turn away denials that are still to come, as old requests.
        let asked = asked.min(now);
        let expires = epoch(now, WITHDRAWN_STAYS);
        let update =
            "SET #withdrawn = :true, #withdrawnAt = :asked, #changedAt = :now, #all = :all, #expiresEpoch = :expires";
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(entry_of(subject).key()))
            .update_expression(update)
            .condition_expression(IN_FORCE)
            .set_expression_attribute_names(Some(names(&format!("{update} {IN_FORCE}"))))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":asked", AttributeValue::S(sortable_time(asked)))
            .expression_attribute_values(":now", AttributeValue::S(sortable_time(now)))
            .expression_attribute_values(":all", AttributeValue::S("all".to_owned()))
            .expression_attribute_values(":expires", AttributeValue::N(expires));
        match by.call(call.send()).await {
            Ok(_) => Ok(true),
            Err(error) if error.code == "ConditionalCheckFailedException" => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// An entry that says no more than whom it denies.
pub(crate) fn entry_of(subject: &Subject) -> DenyListEntry {
    DenyListEntry {
        subject: subject.clone(),
        certificate_authority: None,
        reason: None,
        requested_by: None,
        at: None,
        expires: None,
        issued_before: None,
    }
}

fn kept(there: Option<&Item>) -> Denied {
    let withdrawn = there.and_then(|item| item.get("withdrawn"));
    if withdrawn == Some(&AttributeValue::Bool(true)) { Denied::WithdrawnSince } else { Denied::InForce }
}

/// Field for field what the file says.
fn item(entry: &DenyListEntry, now: Timestamp) -> Item {
    let (name, value) = match &entry.subject {
        Subject::SerialNumber(serial_number) => ("serialNumber", serial_number.to_string()),
        Subject::Identity(identity) => ("identity", identity.to_string()),
        Subject::Account(account) => ("account", account.to_string()),
    };
    let texts = [
        ("pk", Some(entry.key())),
        (name, Some(value)),
        ("certificateAuthority", entry.certificate_authority.clone()),
        ("reason", entry.reason.clone()),
        ("requestedBy", entry.requested_by.clone()),
        ("at", entry.at.map(sortable_time)),
        ("all", Some("all".to_owned())),
        ("changedAt", Some(sortable_time(now))),
    ];
    texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::S(text?)))).collect()
}

/// Every `#name` of an expression: some of ours are words of DynamoDB's.
fn names(expression: &str) -> HashMap<String, String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '#'));
    words.filter_map(|word| Some((word.to_owned(), word.strip_prefix('#')?.to_owned()))).collect()
}

fn epoch(now: Timestamp, later: Duration) -> String {
    now.saturating_add(later).unwrap_or(now).as_second().to_string()
}
