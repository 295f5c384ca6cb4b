# The API is reached through PrivateLink only: whatever balances load has private addresses.
package linkward.gate

import rego.v1

deny contains data.linkward.plan.finding(balancer.address, "load-balancer-internal", scheme(balancer), "Write `internal = true`.") if {
	some balancer in data.linkward.plan.resources({"aws_alb", "aws_elb", "aws_lb"})
	data.linkward.plan.planned(balancer, "internal") != true

	# A Gateway Load Balancer has no scheme and no address to call.
	data.linkward.plan.planned(balancer, "load_balancer_type") != "gateway"
}

scheme(balancer) := "the load balancer is internet-facing" if {
	data.linkward.plan.planned(balancer, "internal") == false
} else := "the load balancer's scheme is only known after the apply" if {
	data.linkward.plan.set_to_unknown(balancer, "internal")
} else := "the load balancer has no scheme, and AWS makes it internet-facing"
