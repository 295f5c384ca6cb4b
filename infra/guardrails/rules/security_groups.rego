# Nothing is open to the world: callers come from networks and security groups that somebody named.
package linkward.gate

import rego.v1

narrow := "Name the callers: a network of /8 or smaller (IPv6: /32), or `referenced_security_group_id`."

# Shorter prefixes are the world in two or more pieces.
world(block) if {
	is_string(block)
	not contains(block, ":")
	to_number(split(block, "/")[1]) < 8
}

world(block) if {
	is_string(block)
	contains(block, ":")
	to_number(split(block, "/")[1]) < 32
}

inline_lists := {"cidr_blocks", "ipv6_cidr_blocks"}

group_types := {"aws_default_security_group", "aws_security_group"}

deny contains data.linkward.plan.finding(group.address, "security-group-world", sprintf("an inline rule lets %s in", [block]), narrow) if {
	some group in data.linkward.plan.resources(group_types)
	some rule in data.linkward.plan.elements(group, "ingress")
	some networks in inline_lists
	some block in data.linkward.plan.elements_of(object.get(rule, networks, null))
	world(block)
}

deny contains data.linkward.plan.finding(group.address, "security-group-world", "whom an inline rule lets in is only known after the apply", narrow) if {
	some group in data.linkward.plan.resources(group_types)
	some mask in data.linkward.plan.elements_of(data.linkward.plan.mask(group, "ingress"))
	some networks in inline_lists
	hidden(object.get(mask, networks, false))
}

hidden(mask) if mask == true

hidden(mask) if true in data.linkward.plan.elements_of(mask)

deny contains data.linkward.plan.finding(group.address, "security-group-world", "the inline rules are only known after the apply", narrow) if {
	some group in data.linkward.plan.resources(group_types)
	data.linkward.plan.unknown(group, "ingress")
	some expressions in data.linkward.plan.written(group)
	expressions.ingress
}

deny contains data.linkward.plan.finding(rule.address, "security-group-world", sprintf("the rule lets %s in", [block]), narrow) if {
	some rule in data.linkward.plan.resources({"aws_security_group_rule"})
	data.linkward.plan.planned(rule, "type") != "egress"
	some networks in inline_lists
	some block in data.linkward.plan.elements(rule, networks)
	world(block)
}

deny contains data.linkward.plan.finding(rule.address, "security-group-world", "whom the rule lets in is only known after the apply", narrow) if {
	some rule in data.linkward.plan.resources({"aws_security_group_rule"})
	data.linkward.plan.planned(rule, "type") != "egress"
	some networks in inline_lists
	data.linkward.plan.unknown(rule, networks)
}

deny contains data.linkward.plan.finding(rule.address, "security-group-world", sprintf("the rule lets %s in", [block]), narrow) if {
	some rule in data.linkward.plan.resources({"aws_vpc_security_group_ingress_rule"})
	some attribute in {"cidr_ipv4", "cidr_ipv6"}
	block := data.linkward.plan.planned(rule, attribute)
	world(block)
}

deny contains data.linkward.plan.finding(rule.address, "security-group-world", "whom the rule lets in is only known after the apply", narrow) if {
	some rule in data.linkward.plan.resources({"aws_vpc_security_group_ingress_rule"})
	some attribute in {"cidr_ipv4", "cidr_ipv6"}
	data.linkward.plan.unknown(rule, attribute)
}
