# Who may call, and who may no longer, is at rest under a key whose use is recorded.
package linkward.gate

import rego.v1

deny contains data.linkward.plan.finding(table.address, "table-encryption", encryption(table), "Add `server_side_encryption { enabled = true }`, with `kms_key_arn` for a key of your own.") if {
	some table in data.linkward.plan.resources({"aws_dynamodb_table"})
	count([block | some block in data.linkward.plan.elements(table, "server_side_encryption"); block.enabled == true]) == 0
}

encryption(table) := "the table is not encrypted with a key of this account" if count(data.linkward.plan.elements(table, "server_side_encryption")) > 0

else := "the table's encryption is left to the default, a key that is not of this account"
