//! AppConfig, by its session protocol: <https://docs.aws.amazon.com/appconfig/latest/userguide/retrieving-data.html>
//!
//! A session hands out tokens that are good for one call and a day; an empty answer says that what the session gave
//! last is still right. A token whose call failed may have been used up: it is not tried again, a new session begins. A
//! session also holds our place in a gradual deployment, so it is kept as long as it works.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_appconfigdata::Client;
use aws_sdk_appconfigdata::operation::get_latest_configuration::GetLatestConfigurationOutput;
use policy::{Format, Timestamp};
use sha2::{Digest, Sha256};

use crate::error::with_causes;
use crate::file;
use crate::uri::{APPCONFIG_INTERVAL, AppConfigProfile};
use crate::{Document, VersionLabel};

/// Why AppConfig gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppConfigError {
    /// A call failed, after retries.
    #[error(
        "cannot read `{profile}`: {cause}; check application, environment and profile in this account and Region, and \
         that this process may call appconfig:{operation} on it"
    )]
    Call {
        /// `appconfig:APP/ENV/PROFILE`.
        profile: String,
        /// AppConfigData's operation.
        operation: &'static str,
        /// The SDK's error and its causes.
        cause: String,
    },
    /// Nothing was ever deployed, or something empty.
    #[error("`{0}` holds no configuration; deploy one to the environment")]
    Empty(String),
}

#[derive(Debug)]
pub(crate) struct AppConfig {
    client: Client,
    profile: AppConfigProfile,
    session: Option<Session>,
    given: Option<Document>,
    refused: bool,
    /// The latest publication that was read, or the first reading: a version of before then is deployed again, which is
    /// not when it was published.
    newest: Option<Timestamp>,
    /// When the document given last was published, if that is known and news.
    news: Option<Timestamp>,
}

#[derive(Debug)]
struct Session {
    token: String,
    /// An earlier call would be refused, and the token used up.
    due: Instant,
}

/// A call that failed, and whether for the token alone.
struct Failure {
    error: AppConfigError,
    is_of_token: bool,
}

impl AppConfig {
    pub(crate) fn new(profile: &AppConfigProfile, sdk: &SdkConfig) -> Self {
        let client = Client::new(&crate::sdk::bounded(sdk));
        Self { client, profile: profile.clone(), session: None, given: None, refused: false, newest: None, news: None }
    }

    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }

    /// How long AppConfig wants to be left alone. Who asks sooner all the same costs a new session.
    pub(crate) fn rest(&self) -> Duration {
        self.session.as_ref().map(|session| session.due.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    /// The document if it is not the one given last.
    pub(crate) async fn fetch(&mut self) -> Result<Option<Document>, AppConfigError> {
        let latest = self.latest().await?;
        let content = latest.configuration.map(aws_sdk_appconfigdata::primitives::Blob::into_inner);
        let (document, published_at) = match content.filter(|content| !content.is_empty()) {
            Some(bytes) => self.document(bytes, latest.version_label, latest.content_type.as_deref()),
            None => (self.given.clone().ok_or_else(|| AppConfigError::Empty(self.profile.to_string()))?, None),
        };
        let refused = std::mem::take(&mut self.refused);
        let is_another = self.given.as_ref() != Some(&document);
        self.given = Some(document.clone());
        self.note(published_at, is_another);
        Ok(if refused || is_another { Some(document) } else { None })
    }

    /// When the document given last was published, told once; nothing of the first.
    pub(crate) fn take_news(&mut self) -> Option<Timestamp> {
        self.news.take()
    }

    fn note(&mut self, published_at: Option<Timestamp>, is_another: bool) {
        if is_another {
            self.news = published_at.filter(|time| self.newest.is_some_and(|newest| newest < *time));
        }
        let now = Timestamp::now();
        let newest = self.newest.unwrap_or(now);
        // One wrong date must not make all that follow look old.
        self.newest = Some(published_at.map_or(newest, |time| time.min(now).max(newest)));
    }

    /// The next answer of the session, or the first of a new one, which is whole.
    async fn latest(&mut self) -> Result<GetLatestConfigurationOutput, AppConfigError> {
        if let Some(session) = self.session.take().filter(|session| session.due <= Instant::now()) {
            match self.ask(session.token).await {
                Err(failure) if failure.is_of_token => {}
                outcome => return outcome.map_err(|failure| failure.error),
            }
        }
        let token = self.start().await?;
        let latest = self.ask(token).await.map_err(|failure| failure.error)?;
        // A session that gave nothing yet has nothing that could be unchanged.
        match latest.configuration.as_ref().is_some_and(|content| !content.as_ref().is_empty()) {
            true => Ok(latest),
            false => Err(AppConfigError::Empty(self.profile.to_string())),
        }
    }

    async fn start(&self) -> Result<String, AppConfigError> {
        let operation = "StartConfigurationSession";
        let interval = i32::try_from(APPCONFIG_INTERVAL.as_secs()).ok();
        let request = self.client.start_configuration_session();
        let request = request.set_required_minimum_poll_interval_in_seconds(interval);
        let request = request.application_identifier(&self.profile.application);
        let request = request.environment_identifier(&self.profile.environment);
        let request = request.configuration_profile_identifier(&self.profile.profile);
        let answer = request.send().await.map_err(|error| self.failed(operation, with_causes(&error)))?;
        answer.initial_configuration_token.ok_or_else(|| self.failed(operation, "no token in the answer".to_owned()))
    }

    async fn ask(&mut self, token: String) -> Result<GetLatestConfigurationOutput, Failure> {
        let answer = self.client.get_latest_configuration().configuration_token(token).send().await;
        let latest = answer.map_err(|error| Failure {
            is_of_token: error.as_service_error().is_some_and(|error| error.is_bad_request_exception()),
            error: self.failed("GetLatestConfiguration", with_causes(&error)),
        })?;
        let interval = u64::try_from(latest.next_poll_interval_in_seconds).unwrap_or_default();
        let due = Instant::now() + Duration::from_secs(interval);
        self.session = latest.next_poll_configuration_token.clone().map(|token| Session { token, due });
        Ok(latest)
    }

    /// And when it was published, if its label says so.
    fn document(
        &self,
        bytes: Vec<u8>,
        label: Option<String>,
        content_type: Option<&str>,
    ) -> (Document, Option<Timestamp>) {
        let is_json = content_type.is_some_and(|content_type| content_type.contains("json"));
        let unlabelled =
            || VersionLabel { revision: file::revision(&Sha256::digest(&bytes).into()), published_at: None };
        let label = label.filter(|label| !label.is_empty());
        let VersionLabel { revision, published_at } = label.map_or_else(unlabelled, |label| VersionLabel::read(&label));
        let format = if is_json { Format::Json } else { Format::Yaml };
        (Document { revision, format, name: self.profile.to_string(), bytes }, published_at)
    }

    fn failed(&self, operation: &'static str, cause: String) -> AppConfigError {
        AppConfigError::Call { profile: self.profile.to_string(), operation, cause }
    }
}
