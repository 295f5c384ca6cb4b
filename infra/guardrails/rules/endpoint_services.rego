# Who connects is decided by the access policy and its approver: no connection comes up by itself, and nobody asks whom the policy does not name.
package linkward.gate

import rego.v1

named := "Name each account: `arn:aws:iam::123456789012:root`, computed from the access policy as module provider-service does."

deny contains data.linkward.plan.finding(service.address, "endpoint-acceptance", acceptance(service), "Write `acceptance_required = true`: the approver accepts whom the access policy lists.") if {
	some service in data.linkward.plan.resources({"aws_vpc_endpoint_service"})
	data.linkward.plan.planned(service, "acceptance_required") != true
}

acceptance(service) := "every connection comes up without a decision" if data.linkward.plan.planned(service, "acceptance_required") == false

else := "whether connections need acceptance is only known after the apply, or not said"

deny contains data.linkward.plan.finding(accepter.address, "endpoint-acceptance", "Terraform would accept a connection past the access policy", "Remove it, and list the consumer in the access policy: the approver accepts.") if {
	some accepter in data.linkward.plan.resources({"aws_vpc_endpoint_connection_accepter"})
}

deny contains data.linkward.plan.finding(endpoint.address, "endpoint-acceptance", "the endpoint would be accepted past the access policy", "Leave `auto_accept` out: the approver accepts.") if {
	some endpoint in data.linkward.plan.resources({"aws_vpc_endpoint"})
	accepts_itself(endpoint)
}

accepts_itself(endpoint) if data.linkward.plan.planned(endpoint, "auto_accept") == true

accepts_itself(endpoint) if data.linkward.plan.set_to_unknown(endpoint, "auto_accept")

deny contains data.linkward.plan.finding(service.address, "endpoint-principals", sprintf("the principal `%s` lets everybody ask for a connection", [principal]), named) if {
	some service in data.linkward.plan.resources({"aws_vpc_endpoint_service"})
	some principal in data.linkward.plan.elements(service, "allowed_principals")
	is_string(principal)
	contains(principal, "*")
}

deny contains data.linkward.plan.finding(service.address, "endpoint-principals", "the allowed principals are only known after the apply", named) if {
	some service in data.linkward.plan.resources({"aws_vpc_endpoint_service"})
	data.linkward.plan.set_to_unknown(service, "allowed_principals")
}

deny contains data.linkward.plan.finding(allowed.address, "endpoint-principals", sprintf("the principal `%s` lets everybody ask for a connection", [principal]), named) if {
	some allowed in data.linkward.plan.resources({"aws_vpc_endpoint_service_allowed_principal"})
	principal := data.linkward.plan.text(allowed, "principal_arn")
	contains(principal, "*")
}

deny contains data.linkward.plan.finding(allowed.address, "endpoint-principals", "the allowed principal is only known after the apply", named) if {
	some allowed in data.linkward.plan.resources({"aws_vpc_endpoint_service_allowed_principal"})
	not is_string(data.linkward.plan.planned(allowed, "principal_arn"))
}
