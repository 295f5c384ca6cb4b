# A plan that failed, that covers a part, or that holds nothing says nothing about what will be there.
package linkward.gate

import rego.v1

deny contains data.linkward.plan.finding("plan", "plan-errored", "Terraform failed while it made this plan", "Mend what `terraform plan` complains of, plan again, and let the gate read that plan.") if {
	object.get(input, "errored", false) != false
}

deny contains data.linkward.plan.finding("plan", "plan-incomplete", "the plan does not cover everything: it was limited by -target, or puts changes off", "Plan without -target, and apply what is put off in a plan of its own that passes the gate.") if {
	object.get(input, "errored", false) == false
	object.get(input, "complete", true) != true
}

deny contains data.linkward.plan.finding("plan", "plan-empty", "the plan holds no resource, so that nothing was checked", "Give the gate the plan of the configuration that is applied: terraform plan -out=FILE, then terraform show -json FILE.") if {
	count([change | some change in input.resource_changes; object.get(change, "mode", "managed") == "managed"]) == 0
}

# Only a delete, or leaving something alone for good, may end without a state after it.
deny contains data.linkward.plan.finding(change.address, "plan-unreadable", "the plan does not say what this resource will be", "Make the plan again; when that does not help, report the plan to Linkward.") if {
	some change in input.resource_changes
	object.get(change, "mode", "managed") == "managed"
	not is_object(change.change.after)
	not ends(change)
}

ends(change) if {
	change.change.after == null
	some action in change.change.actions
	action in {"delete", "forget"}
}
