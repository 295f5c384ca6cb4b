# Who may do what: no policy allows everything of a service, ours allow what is documented, and what the two gates are for is allowed to them alone.
package linkward.gate

import rego.v1

import data.linkward.documented

policy_types := {"aws_iam_group_policy", "aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy"}

# --- statements, wherever they are written -------------------------------------------------------------------------------

# Policies whose text is in the plan.
policies contains {"address": change.address, "name": data.linkward.plan.planned(change, "name"), "statements": statements_of_text(text)} if {
	some change in data.linkward.plan.resources(policy_types)
	text := data.linkward.plan.text(change, "policy")
}

policies contains {"address": role.address, "name": object.get(inline, "name", null), "statements": statements_of_text(inline.policy)} if {
	some role in data.linkward.plan.resources({"aws_iam_role"})
	some inline in data.linkward.plan.elements(role, "inline_policy")
	is_string(object.get(inline, "policy", null))
}

# Policies whose text is only known after the apply, written as aws_iam_policy_document: the plan shows their statements, with what is known of them.
policies contains {"address": change.address, "name": data.linkward.plan.planned(change, "name"), "statements": statements} if {
	some change in data.linkward.plan.resources(policy_types)
	shown(change)
	statements := [statement_of_block(block) | some document in documents(change); some block in data.linkward.plan.elements(document, "statement")]
}

statements_of_text(text) := statements if {
	json.is_valid(text)
	document := json.unmarshal(text)
	statements := [statement_of_object(statement) | some statement in as_list(document.Statement)]
}

statement_of_object(statement) := {
	"effect": statement.Effect,
	"actions": as_list(object.get(statement, "Action", [])),
	"resources": as_list(object.get(statement, "Resource", [])),
	"exceptions": count([key | some key in ["NotAction", "NotResource"]; key in object.keys(statement)]),
}

statement_of_block(block) := {
	"effect": either(object.get(block, "effect", null), "Allow"),
	"actions": either(object.get(block, "actions", null), []),
	"resources": either(object.get(block, "resources", null), []),
	"exceptions": count([key | some key in ["not_actions", "not_resources"]; count(either(object.get(block, key, null), [])) > 0]),
}

as_list(value) := value if is_array(value)

else := [value]

either(value, otherwise) := otherwise if value == null

else := value

# The documents that a policy refers to: exactly that one, or the one of its own key where both have one for each.
documents(change) := exact if {
	exact := [document |
		some document in all_documents(change)
		sprintf("%s.json", [trim_prefix(trim_prefix(document.address, object.get(change, "module_address", "")), ".")]) in data.linkward.plan.references(change, "policy")
	]
	count(exact) > 0
} else := same_key if {
	same_key := [document | some document in all_documents(change); object.get(document, "index", null) == object.get(change, "index", null)]
	count(same_key) > 0
} else := all_documents(change)

all_documents(change) := [document |
	some document in data.linkward.plan.deferred_data("aws_iam_policy_document")
	object.get(document, "module_address", "") == object.get(change, "module_address", "")
	sprintf("data.aws_iam_policy_document.%s", [document.name]) in data.linkward.plan.references(change, "policy")
]

# A plan shows a policy when documents are all it is made of, and the documents are made of nothing that is unknown as a whole.
shown(change) if {
	not is_string(data.linkward.plan.planned(change, "policy"))
	count(documents(change)) > 0
	every reference in data.linkward.plan.references(change, "policy") {
		regex.match(`^(data\.aws_iam_policy_document|each|count)\.`, reference)
	}
	every document in documents(change) {
		is_array(data.linkward.plan.planned(document, "statement"))
		every attribute in ["override_policy_documents", "source_policy_documents"] {
			not data.linkward.plan.unknown(document, attribute)
		}
	}
}

deny contains data.linkward.plan.finding(change.address, "iam-unknown", "what the policy allows is only known after the apply", "Write it as an aws_iam_policy_document, whose statements a plan shows even while ARNs are unknown.") if {
	some change in data.linkward.plan.resources(policy_types)
	not is_string(data.linkward.plan.planned(change, "policy"))
	not shown(change)
}

deny contains data.linkward.plan.finding(change.address, "iam-unknown", "the policy is not a JSON document with statements", "Write it as an aws_iam_policy_document.") if {
	some change in data.linkward.plan.resources(policy_types)
	text := data.linkward.plan.text(change, "policy")
	not statements_of_text(text)
}

deny contains data.linkward.plan.finding(role.address, "iam-unknown", "what an inline policy allows is only known after the apply", "Move it into an aws_iam_role_policy, written as an aws_iam_policy_document.") if {
	some role in data.linkward.plan.resources({"aws_iam_role"})
	some mask in data.linkward.plan.elements_of(data.linkward.plan.mask(role, "inline_policy"))
	object.get(mask, "policy", false) == true
}

# --- too much ------------------------------------------------------------------------------------------------------------

deny contains data.linkward.plan.finding(policy.address, "iam-unbounded", sprintf("the policy allows `%s`", [action]), "Name the actions one by one.") if {
	some policy in policies
	some statement in policy.statements
	statement.effect == "Allow"
	some action in statement.actions
	unbounded(action)
}

unbounded(action) if {
	is_string(action)
	regex.match(`^[A-Za-z0-9-]*:?\*+$`, action)
}

deny contains data.linkward.plan.finding(policy.address, "iam-unbounded", "the policy allows everything but what it lists", "Name what is allowed, with Action and Resource.") if {
	some policy in policies
	some statement in policy.statements
	statement.effect == "Allow"
	statement.exceptions > 0
}

deny contains data.linkward.plan.finding(policy.address, "iam-unknown", "an action of the policy is only known after the apply", "Write actions out.") if {
	some policy in policies
	some statement in policy.statements
	statement.effect == "Allow"
	some action in statement.actions
	not is_string(action)
}

broad := `(AdministratorAccess|PowerUserAccess|IAMFullAccess|FullAccess)(-[A-Za-z0-9-]+|_[A-Za-z0-9]+)?$`

attachment_types := {"aws_iam_group_policy_attachment", "aws_iam_policy_attachment", "aws_iam_role_policy_attachment", "aws_iam_user_policy_attachment"}

attached contains {"address": change.address, "arn": arn} if {
	some change in data.linkward.plan.resources(attachment_types)
	arn := data.linkward.plan.planned(change, "policy_arn")
}

attached contains {"address": role.address, "arn": arn} if {
	some role in data.linkward.plan.resources({"aws_iam_role"})
	some arn in data.linkward.plan.elements(role, "managed_policy_arns")
}

deny contains data.linkward.plan.finding(attachment.address, "iam-unbounded", sprintf("the policy `%s` allows everything of a service", [attachment.arn]), "Attach a policy that names the actions one by one.") if {
	some attachment in attached
	is_string(attachment.arn)
	regex.match(broad, attachment.arn)
}

# A policy of the same plan is judged where it is made; any other would pass unseen.
deny contains data.linkward.plan.finding(change.address, "iam-unknown", "which policy is attached is only known after the apply", "Attach an aws_iam_policy of this configuration, or write the ARN out.") if {
	some change in data.linkward.plan.resources(attachment_types)
	data.linkward.plan.set_to_unknown(change, "policy_arn")
	count([reference | some reference in data.linkward.plan.references(change, "policy_arn"); startswith(reference, "aws_iam_policy.")]) == 0
}

# --- what is documented --------------------------------------------------------------------------------------------------

ours(policy) if {
	is_string(policy.name)
	startswith(policy.name, "linkward-")
}

permissions(policy) := object.get(documented.policies, policy.name, {"actions": [], "onEveryResource": []})

deny contains data.linkward.plan.finding(policy.address, "iam-undocumented", sprintf("`%s` is not among what is documented for %s", [action, policy.name]), documented_remedy) if {
	some policy in policies
	ours(policy)
	some statement in policy.statements
	statement.effect == "Allow"
	some action in statement.actions
	not action in permissions(policy).actions
}

deny contains data.linkward.plan.finding(policy.address, "iam-undocumented", sprintf("`%s` is allowed on every resource, which is not documented for %s", [action, policy.name]), documented_remedy) if {
	some policy in policies
	ours(policy)
	some statement in policy.statements
	statement.effect == "Allow"
	"*" in statement.resources
	some action in statement.actions
	not action in permissions(policy).onEveryResource
}

documented_remedy := "Take Linkward's module as it is. Where a function really needs more, its functions/*/iam.json and the gate's documented.rego say so together."

# What the gates are for: whoever else may do it goes around them.
guarded := {
	"acm-pca:IssueCertificate",
	"acm-pca:RevokeCertificate",
	"ec2:AcceptVpcEndpointConnections",
	"ec2:RejectVpcEndpointConnections",
}

deny contains data.linkward.plan.finding(policy.address, "iam-guarded", sprintf("`%s` is for Linkward's functions alone, and this policy allows it with `%s`", [forbidden, action]), "Ask through the bus: `linkward endpoints sweep`, `linkward certificates revoke`.") if {
	some policy in policies
	some statement in policy.statements
	statement.effect == "Allow"
	some action in statement.actions
	is_string(action)
	not unbounded(action)
	some forbidden in guarded
	covers(action, forbidden)
	not forbidden in permissions(policy).actions
}

covers(pattern, action) if {
	expression := replace(replace(lower(pattern), "*", ".*"), "?", ".")
	regex.match(sprintf("^%s$", [expression]), lower(action))
}
