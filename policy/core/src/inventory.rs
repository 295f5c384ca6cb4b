//! Which account owns which endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{self, DocumentError, Given, Keyed, Problem, Problems};
use crate::sharded::Sharded;
use crate::{AccountId, Format, ServiceId, VpcEndpointId};

/// Everything that is wrong with an endpoint inventory.
pub type InventoryError = DocumentError;

/// One endpoint. As JSON or YAML it has the fields of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", from = "Keyed<Fields>")]
#[schemars(with = "Fields")]
pub struct InventoryEntry {
    /// The endpoint.
    pub endpoint_id: VpcEndpointId,
    /// The account that owns it.
    pub account: AccountId,
    /// The endpoint service it connects to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    /// AWS's word for the state of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The endpoint inventory in force. A clone is cheap, and so is a change of one: they share what did not change.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    accounts: Sharded<VpcEndpointId, AccountId>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InventoryDocument {
    endpoints: Vec<InventoryEntry>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    endpoint_id: VpcEndpointId,
    account: AccountId,
    #[serde(default)]
    service_id: Given<ServiceId>,
    #[serde(default)]
    state: Given<String>,
}

impl Inventory {
    /// Reads a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column.
    pub fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, InventoryError> {
        document::read(bytes, format, name, |document: InventoryDocument| Self::build(document.endpoints))
    }

    fn build(entries: Vec<InventoryEntry>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut accounts = Sharded::default();
        for (index, InventoryEntry { endpoint_id, account, .. }) in entries.into_iter().enumerate() {
            if accounts.get(&endpoint_id).is_some() {
                problems.push(|| {
                    let message = format!("`{endpoint_id}` has an entry already");
                    Problem::in_value(format!("/endpoints/{index}/endpointId"), message)
                });
            } else {
                accounts.insert(endpoint_id, account);
            }
        }
        if problems.is_empty() { Ok(Self { accounts }) } else { Err(problems) }
    }

    /// An inventory of these endpoints; of two entries for one endpoint the later counts.
    #[must_use]
    pub fn from_entries(entries: impl IntoIterator<Item = InventoryEntry>) -> Self {
        Self { accounts: entries.into_iter().map(|entry| (entry.endpoint_id, entry.account)).collect() }
    }

    /// Puts an entry in the place of the one of the same endpoint. Whether that changed anything.
    pub fn put(&mut self, entry: InventoryEntry) -> bool {
        let InventoryEntry { endpoint_id, account, .. } = entry;
        let is_new = self.accounts.get(&endpoint_id) != Some(&account);
        if is_new {
            self.accounts.insert(endpoint_id, account);
        }
        is_new
    }

    /// Takes out an endpoint. Whether it was there.
    pub fn withdraw(&mut self, endpoint_id: &VpcEndpointId) -> bool {
        self.accounts.remove(endpoint_id).is_some()
    }

    /// All endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &VpcEndpointId> {
        self.accounts.iter().map(|(endpoint_id, _)| endpoint_id)
    }

    /// The account that owns the endpoint.
    #[must_use]
    pub fn account(&self, endpoint_id: &VpcEndpointId) -> Option<&AccountId> {
        self.accounts.get(endpoint_id)
    }

    /// How many endpoints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

impl From<Keyed<Fields>> for InventoryEntry {
    fn from(Keyed(fields): Keyed<Fields>) -> Self {
        let Fields { endpoint_id, account, service_id, state } = fields;
        Self { endpoint_id, account, service_id: service_id.0, state: state.0 }
    }
}
