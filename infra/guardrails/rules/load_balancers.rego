# The API is reached through PrivateLink only: whatever balances load has private addresses.
package linkward.gate

import rego.v1

import data.linkward.plan

deny contains plan.finding(balancer.address, "load-balancer-internal", scheme(balancer), "Write `internal = true`.") if {
	some balancer in plan.resources({"aws_alb", "aws_elb", "aws_lb"})
	plan.planned(balancer, "internal") != true

	# A Gateway Load Balancer has no scheme and no address to call.
	plan.planned(balancer, "load_balancer_type") != "gateway"
}

scheme(balancer) := "the load balancer is internet-facing" if plan.planned(balancer, "internal") == false

else := "the load balancer's scheme is only known after the apply" if plan.set_to_unknown(balancer, "internal")

else := "the load balancer has no scheme, and AWS makes it internet-facing"
