# From the load balancer to the tasks on two ports, from the tasks to AWS, and nothing else.

resource "aws_security_group" "tasks" {
  name_prefix = "${var.name}-runtime-"
  description = "Tasks of ${var.name}: reachable from their load balancer only"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-runtime" }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  ports = { tls = var.load_balancer.tls_port, health = var.load_balancer.health_port }
}

# A client could send a PROXY header of its own after the load balancer's; from any other address it could send the first one.
resource "aws_vpc_security_group_ingress_rule" "from_load_balancer" {
  for_each                     = local.ports
  security_group_id            = aws_security_group.tasks.id
  description                  = "${each.key}, from the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = var.load_balancer.security_group_id
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_tasks" {
  for_each                     = local.ports
  security_group_id            = var.load_balancer.security_group_id
  description                  = "${each.key}, to the tasks of ${var.name}"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.tasks.id
}

# Tables, logs, secrets, images: all of them HTTPS, at addresses of AWS that nobody can list. What the subnets route is the narrower limit.
resource "aws_vpc_security_group_egress_rule" "tasks_to_aws" {
  security_group_id = aws_security_group.tasks.id
  description       = "HTTPS to AWS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
