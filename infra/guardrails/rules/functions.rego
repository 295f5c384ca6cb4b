# An event that is lost without a trace is a revocation that never happened.
package linkward.gate

import rego.v1

deny contains data.linkward.plan.finding(function.address, "function-dead-letters", "what the function fails to do twice is lost: it has no dead-letter queue", "Add `dead_letter_config { target_arn = … }`, or an aws_lambda_function_event_invoke_config with `on_failure`.") if {
	some function in data.linkward.plan.resources({"aws_lambda_function"})
	count(data.linkward.plan.elements(function, "dead_letter_config")) == 0
	not has_failure_destination(function)
}

with_failure_destination := [config |
	some config in data.linkward.plan.resources({"aws_lambda_function_event_invoke_config"})
	some destinations in data.linkward.plan.elements(config, "destination_config")
	count(data.linkward.plan.elements_of(object.get(destinations, "on_failure", null))) > 0
]

has_failure_destination(function) if {
	some config in with_failure_destination
	data.linkward.plan.text(config, "function_name") == data.linkward.plan.text(function, "function_name")
}

# By a name or an ARN that is only known after the apply.
has_failure_destination(function) if {
	some config in with_failure_destination
	object.get(config, "module_address", "") == object.get(function, "module_address", "")
	object.get(config, "index", null) == object.get(function, "index", null)
	sprintf("aws_lambda_function.%s", [function.name]) in data.linkward.plan.references(config, "function_name")
}
