# An event that is lost without a trace is a revocation that never happened.
package linkward.gate

import rego.v1

import data.linkward.plan

deny contains plan.finding(function.address, "function-dead-letters", "what the function fails to do twice is lost: it has no dead-letter queue", "Add `dead_letter_config { target_arn = … }`, or an aws_lambda_function_event_invoke_config with `on_failure`.") if {
	some function in plan.resources({"aws_lambda_function"})
	count(plan.elements(function, "dead_letter_config")) == 0
	not plan.planned(function, "function_name") in has_failure_destination
}

has_failure_destination contains plan.planned(config, "function_name") if {
	some config in plan.resources({"aws_lambda_function_event_invoke_config"})
	some destinations in plan.elements(config, "destination_config")
	count(plan.elements_of(object.get(destinations, "on_failure", null))) > 0
}
