# Who calls is in the client's certificate: the runtime must be the first to see TLS.
package linkward.gate

import rego.v1

# A listener that has nothing to do with the runtime says so, where a reviewer sees it.
exempt(change) if object.get(object_of(data.linkward.plan.planned(change, "tags")), "linkward:tls-termination", "") == "not-the-runtime"

object_of(value) := value if is_object(value)

else := {}

listener_types := {"aws_alb_listener", "aws_lb_listener"}

terminating := {"HTTPS", "TLS"}

pass_through := "Use a TCP listener in front of the runtime. For a listener that is not, set the tag `linkward:tls-termination = \"not-the-runtime\"`."

deny contains data.linkward.plan.finding(listener.address, "tls-passthrough", sprintf("the %s listener terminates TLS: the runtime would never see who calls", [protocol]), pass_through) if {
	some listener in data.linkward.plan.resources(listener_types)
	protocol := data.linkward.plan.planned(listener, "protocol")
	protocol in terminating
	not exempt(listener)
}

deny contains data.linkward.plan.finding(listener.address, "tls-passthrough", "the listener's protocol is only known after the apply", pass_through) if {
	some listener in data.linkward.plan.resources(listener_types)
	data.linkward.plan.set_to_unknown(listener, "protocol")
	not exempt(listener)
}

deny contains data.linkward.plan.finding(balancer.address, "tls-passthrough", "the Classic Load Balancer terminates TLS: the runtime would never see who calls", pass_through) if {
	some balancer in data.linkward.plan.resources({"aws_elb"})
	some listener in data.linkward.plan.elements(balancer, "listener")
	upper(object.get(listener, "lb_protocol", "")) in {"HTTPS", "SSL"}
	not exempt(balancer)
}

deny contains data.linkward.plan.finding(group.address, "tls-passthrough", "the targets are Application Load Balancers, which terminate TLS", "Register the runtime itself: `target_type = \"ip\"`, `protocol = \"TCP\"`, `proxy_protocol_v2 = true`.") if {
	some group in data.linkward.plan.resources({"aws_alb_target_group", "aws_lb_target_group"})
	data.linkward.plan.planned(group, "target_type") == "alb"
	not exempt(group)
}

# TLS 1.2 with forward secrecy and authenticated encryption at least. Only AWS's names for that are known to be strong.
strong_policy := `^ELBSecurityPolicy-(TLS13-1-[23](-Res)?(-FIPS)?(-PQ)?|FS-1-2-Res)-[0-9]{4}-[0-9]{2}$`

strong_remedy := "Write `ssl_policy = \"ELBSecurityPolicy-TLS13-1-2-2021-06\"`."

deny contains data.linkward.plan.finding(listener.address, "tls-policy", sprintf("the TLS policy %s admits old protocols or ciphers", [policy]), strong_remedy) if {
	some listener in data.linkward.plan.resources(listener_types)
	policy := data.linkward.plan.text(listener, "ssl_policy")
	not regex.match(strong_policy, policy)
}

deny contains data.linkward.plan.finding(listener.address, "tls-policy", "the TLS policy is not set, and AWS's default admits TLS 1.0", strong_remedy) if {
	some listener in data.linkward.plan.resources(listener_types)
	data.linkward.plan.planned(listener, "protocol") in terminating
	not is_string(data.linkward.plan.planned(listener, "ssl_policy"))
	not data.linkward.plan.set_to_unknown(listener, "ssl_policy")
}

deny contains data.linkward.plan.finding(listener.address, "tls-policy", "the TLS policy is only known after the apply", strong_remedy) if {
	some listener in data.linkward.plan.resources(listener_types)
	not is_string(data.linkward.plan.planned(listener, "ssl_policy"))
	data.linkward.plan.set_to_unknown(listener, "ssl_policy")
}

deny contains data.linkward.plan.finding(domain.address, "tls-policy", "the domain admits TLS 1.0", "Write `security_policy = \"TLS_1_2\"`.") if {
	some domain in data.linkward.plan.resources({"aws_api_gateway_domain_name"})
	not data.linkward.plan.planned(domain, "security_policy") in {"TLS_1_2"}
}
