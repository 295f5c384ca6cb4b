# How a plan is read. In the JSON of a plan (`terraform show -json`) an attribute that is only known after the apply is absent from `after`
# and true in `after_unknown`; one that is not set is absent from both, or null. So rules ask for what must be there, never for what must not.
# https://developer.hashicorp.com/terraform/internals/json-format
# Rules call these by their whole path: not every engine resolves functions through an import.
package linkward.plan

import rego.v1

# What is there after the apply, of these types: created, changed, or as it is. A delete has no `after`.
resources(types) := [change |
	some change in input.resource_changes
	object.get(change, "mode", "managed") == "managed"
	change.type in types
	is_object(change.change.after)
]

# Data sources that are read during the apply, because what they ask about is not there yet.
deferred_data(type) := [change |
	some change in input.resource_changes
	change.mode == "data"
	change.type == type
	is_object(change.change.after)
]

# What is planned for an attribute; null where it is unset or unknown.
planned(change, attribute) := object.get(change.change.after, attribute, null)

# A planned text; undefined where it is unset or unknown.
text(change, attribute) := value if {
	value := planned(change, attribute)
	is_string(value)
}

# Blocks of one kind, or the elements of a list; none where they are unset or unknown.
elements(change, attribute) := elements_of(planned(change, attribute))

elements_of(value) := value if is_array(value)

else := []

# What `after_unknown` says about an attribute: true, false, or the same for each of its elements.
mask(change, attribute) := object.get(object.get(change.change, "after_unknown", {}), attribute, false)

# Unknown as a whole: also what the provider fills in when nobody sets it.
unknown(change, attribute) if mask(change, attribute) == true

# Unknown in one of its elements.
unknown(change, attribute) if true in elements_of(mask(change, attribute))

# Set by the configuration, to something that is only known after the apply.
set_to_unknown(change, attribute) if {
	unknown(change, attribute)
	not left_out(change, attribute)
}

# Nobody set it: the provider will. Only the plan's own configuration can tell; without it, somebody may have.
left_out(change, attribute) if {
	some expressions in written(change)
	not expressions[attribute]
}

# What the attribute's expression refers to.
references(change, attribute) := {reference |
	some expressions in written(change)
	some reference in expressions[attribute].references
}

# The expressions in the configuration from which this came: one, or none where the plan does not hold its configuration.
written(change) := [object.get(resource, "expressions", {}) |
	some resource in object.get(input, configuration_path(change), [])
	resource.mode == object.get(change, "mode", "managed")
	resource.type == change.type
	resource.name == change.name
]

# `module.a["x"].module.b` is configured in root_module.module_calls.a.module.module_calls.b.module.
configuration_path(change) := array.concat(["configuration", "root_module"], array.concat(calls, ["resources"])) if {
	steps := split(regex.replace(object.get(change, "module_address", ""), `\["(?:[^"\\]|\\.)*"\]|\[[0-9]+\]`, ""), ".")
	names := [steps[index] | some index in numbers.range(1, count(steps) - 1); index % 2 == 1]
	calls := [step | some name in names; some step in ["module_calls", name, "module"]]
}

# What a rule answers. `msg` is what conftest prints.
finding(address, rule, why, remedy) := {
	"address": address,
	"rule": rule,
	"why": why,
	"remedy": remedy,
	"msg": sprintf("%s: %s (%s). %s", [address, why, rule, remedy]),
}
