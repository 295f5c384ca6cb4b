# An event that is lost without a trace is a revocation that never happened.
package linkward.gate

import rego.v1

deny contains data.linkward.plan.finding(function.address, "function-dead-letters", "what the function fails to do twice is lost: it has no dead-letter queue", "Add `dead_letter_config { target_arn = … }`, or an aws_lambda_function_event_invoke_config with `on_failure`.") if {
	some function in data.linkward.plan.resources({"aws_lambda_function"})
	count(data.linkward.plan.elements(function, "dead_letter_config")) == 0
	not data.linkward.plan.planned(function, "function_name") in has_failure_destination
}

has_failure_destination contains data.linkward.plan.planned(config, "function_name") if {
	some config in data.linkward.plan.resources({"aws_lambda_function_event_invoke_config"})
	some destinations in data.linkward.plan.elements(config, "destination_config")
	count(data.linkward.plan.elements_of(object.get(destinations, "on_failure", null))) > 0
}
