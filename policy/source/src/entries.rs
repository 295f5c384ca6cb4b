//! Where the deny list and the endpoint inventory come from: lists of entries, in a file or a table.

use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use policy::deny_list::DenyList;
use policy::inventory::Inventory;
use policy::{Format, Revision};

#[cfg(feature = "dynamodb")]
use crate::dynamodb::Listed as Kept;
use crate::error::off_thread;
use crate::file::FileSource;
use crate::observer::Observer;
use crate::{Load, SourceError, SourceUri};

/// The source of the deny list.
///
/// # The table
/// `dynamodb:TABLE` names a table with the partition key `pk` (string) and the index `byTime`: partition key `all`
/// (string), sort key `changedAt` (string), projection `ALL`. An item is an entry, its attributes the fields of the
/// file under the same names and as strings:
///
/// | attribute | |
/// |---|---|
/// | `pk` | `serial#…`, `identity#…` or `account#…`, as [`key`] gives it: a second put is the same entry |
/// | `serialNumber`, `identity`, `account` | that one which `pk` names, and no other; without it `pk` says it all |
/// | `certificateAuthority`, `reason`, `requestedBy`, `at`, `expires`, `issuedBefore` | optional |
/// | `all` | `"all"` |
/// | `changedAt` | time of this put, by [`sortable_time`](policy::sortable_time): UTC, six digits of the second |
/// | `expiresEpoch` | number, the table's TTL: `expires` in whole seconds since 1970, rounded up; none without |
/// | `withdrawn` | boolean; `true`: the entry no longer counts |
///
/// **A writer withdraws an entry by a put, not by a delete**: the same `pk`, `withdrawn: true`, a new `changedAt`, and
/// an `expiresEpoch` a day or more ahead, so that every reader has seen it before TTL removes it. Denied anew, the
/// entry is put again without `withdrawn`. Readers ask the index for `changedAt` later than the newest they have
/// seen, less a minute for clocks that differ and for the lag of the index. A deleted item, one without `all`, and one
/// whose `changedAt` is further behind take effect when the whole table is read again, which is every five minutes.
/// Other attributes are ignored.
///
/// **A malformed item** holds up no other. One whose key can be read denies its subject without limit, whatever else it
/// says: it may block too much, never too little. One whose key names nobody denies nobody, as it always did. Both are
/// told as errors in the log, and by [`Live::last_error`](crate::Live::last_error) for as long as they stand there.
///
/// Readers need `dynamodb:Scan` on the table and `dynamodb:Query` on the index.
///
/// [`key`]: policy::deny_list::DenyListEntry::key
pub type DenyListSource = EntrySource<DenyList>;

/// The source of the endpoint inventory.
///
/// # The table
/// `dynamodb:TABLE` names a table with the partition key `endpointId` (string) and the index `byTime` as that of
/// [`DenyListSource`]. The runtime reads these attributes, all strings:
///
/// | attribute | |
/// |---|---|
/// | `endpointId` | `vpce-…` |
/// | `account` | its owner, 12 digits |
/// | `serviceId`, `state` | optional; AWS's words |
/// | `all`, `changedAt`, `expiresEpoch`, `withdrawn` | as in the deny list |
///
/// and ignores those that only the approver reads: `createdAt`, `verdict`, `reason`, `consumer`, `delistedSince`,
/// `policyRevision`. Changes, withdrawals and deletions are taken as in the deny list. A malformed item leaves its endpoint
/// without an owner, and is told as there: who must come through an endpoint of an account is denied behind it.
pub type InventorySource = EntrySource<Inventory>;

/// The source of a list of entries; a [`Load`].
#[derive(Debug)]
pub struct EntrySource<T: Collection> {
    origin: Origin<T>,
    /// What was read last was not found good: refused, or its check was cancelled.
    unchecked: bool,
    observer: Observer,
}

#[derive(Debug)]
enum Origin<T: Collection> {
    File(FileSource, PhantomData<T>),
    #[cfg(feature = "dynamodb")]
    DynamoDb(Box<crate::dynamodb::Rows<T>>),
}

/// What a list must be to be followed in a table: without tables, nothing.
#[cfg(not(feature = "dynamodb"))]
pub trait Kept: std::fmt::Debug + Send + Sync + 'static {}

#[cfg(not(feature = "dynamodb"))]
impl<T: std::fmt::Debug + Send + Sync + 'static> Kept for T {}

/// What a list of entries becomes.
pub trait Collection: Kept + Sized {
    #[doc(hidden)]
    fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, SourceError>;
}

impl Collection for DenyList {
    fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, SourceError> {
        Self::parse(bytes, format, name).map_err(|error| SourceError::Refused(error.to_string()))
    }
}

impl Collection for Inventory {
    fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, SourceError> {
        Self::parse(bytes, format, name).map_err(|error| SourceError::Refused(error.to_string()))
    }
}

impl<T: Collection> EntrySource<T> {
    /// Opens a source, reading nothing yet; relative paths start at `base`. Only `dynamodb:` looks for an AWS
    /// configuration, in the environment.
    ///
    /// # Errors
    /// This build does not have the source.
    pub async fn open(uri: &SourceUri, base: &Path) -> Result<Self, SourceError> {
        let origin = match uri {
            SourceUri::File(path) => Origin::File(FileSource::new(base.join(path)), PhantomData),
            #[cfg(feature = "dynamodb")]
            SourceUri::DynamoDb(table) => return Ok(Self::dynamodb(table, &crate::sdk::environment().await)),
            SourceUri::AppConfig(_) => return Err(SourceError::PolicyOnly(uri.to_string())),
            #[cfg(not(feature = "dynamodb"))]
            SourceUri::DynamoDb(_) => return Err(SourceError::NotInThisBuild(uri.to_string())),
            #[cfg(feature = "bundle")]
            SourceUri::Bundle(_) => return Err(SourceError::PolicyOnly(uri.to_string())),
        };
        Ok(Self { origin, unchecked: false, observer: Observer::default() })
    }

    /// A table, reached with this AWS configuration. Calls are bounded in time whether it says so or not.
    #[cfg(feature = "dynamodb")]
    pub fn dynamodb(table: &str, sdk: &aws_config::SdkConfig) -> Self {
        Self {
            origin: Origin::DynamoDb(Box::new(crate::dynamodb::Rows::new(table, sdk))),
            unchecked: false,
            observer: Observer::default(),
        }
    }

    /// How often a table is read as a whole instead of every five minutes; a file always is.
    #[cfg(feature = "dynamodb")]
    #[must_use]
    pub fn complete_every(mut self, every: Duration) -> Self {
        if let Origin::DynamoDb(rows) = &mut self.origin {
            rows.complete_every(every);
        }
        self
    }

    /// Has `observer` told of each change how long it took to the moment in which its list is given: of those that a
    /// table's index brings from `changedAt`, by its writer's clock; of a file from when it was written or put in place.
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(Duration) + Send + 'static) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    fn observe(&mut self) {
        match &mut self.origin {
            Origin::File(file, _) => self.observer.tell(file.take_news()),
            #[cfg(feature = "dynamodb")]
            Origin::DynamoDb(rows) => self.observer.tell(rows.take_news()),
        }
    }
}

impl<T: Collection> Load for EntrySource<T> {
    type Value = T;
    type Error = SourceError;

    fn is_remote(&self) -> bool {
        !matches!(self.origin, Origin::File(..))
    }

    fn complaint(&self) -> Option<String> {
        match &self.origin {
            Origin::File(..) => None,
            #[cfg(feature = "dynamodb")]
            Origin::DynamoDb(rows) => rows.complaint(),
        }
    }

    async fn load(&mut self) -> Result<Option<(Revision, T)>, SourceError> {
        match &mut self.origin {
            Origin::File(file, _) => {
                if std::mem::take(&mut self.unchecked) {
                    file.refuse();
                }
                let name = file.name();
                let Some((revision, bytes)) = file.fetch().await? else { return Ok(None) };
                self.unchecked = true;
                let value = off_thread(move || T::parse(&bytes, Format::from_name(&name), &name)).await?;
                self.unchecked = false;
                self.observe();
                Ok(Some((revision, value)))
            }
            #[cfg(feature = "dynamodb")]
            Origin::DynamoDb(rows) => {
                let loaded = rows.fetch().await?;
                self.observe();
                Ok(loaded)
            }
        }
    }
}
