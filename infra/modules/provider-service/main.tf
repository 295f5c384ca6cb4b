# The provider's side of the connection: an internal Network Load Balancer, the endpoint service in front of it, and who may ask for it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

data "aws_subnet" "load_balancer" {
  count = length(var.subnet_ids)
  id    = var.subnet_ids[count.index]
}

data "aws_organizations_organizational_unit_descendant_accounts" "consumer" {
  for_each  = local.organizational_units
  parent_id = each.value
}

locals {
  listener_port = 443
  tls_port      = 8443
  health_port   = 8080

  policy    = yamldecode(file(var.access_policy_path))
  consumers = try(local.policy.endpoints.consumers, [])

  # An expired grant leaves the allow list with the next apply. Whoever is connected by then is the approver's business:
  # removing a principal ends no connection.
  valid_consumers = [
    for consumer in local.consumers : consumer
    if try(consumer.validUntil, null) == null ? true : timecmp(consumer.validUntil, plantimestamp()) > 0
  ]

  organizational_units = toset([for consumer in local.valid_consumers : consumer.organizationalUnit if try(consumer.organizationalUnit, null) != null])

  accounts = toset(concat(
    [for consumer in local.valid_consumers : consumer.account if try(consumer.account, null) != null],
    flatten([
      for unit in data.aws_organizations_organizational_unit_descendant_accounts.consumer :
      [for account in unit.accounts : account.id if account.status == "ACTIVE"]
    ]),
  ))
}

# No inbound rule, on purpose: with enforcement off for PrivateLink (below) traffic through endpoints passes, and nothing else does,
# not even from inside our VPC. The way out is opened by whoever runs the targets (module runtime), towards those targets only.
resource "aws_security_group" "load_balancer" {
  name_prefix = "${var.name}-nlb-"
  description = "Load balancer of ${var.name}: reachable through PrivateLink only"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-nlb" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:A Network Load Balancer logs TLS listeners only, and this one must not have any; the runtime logs each request and each failed handshake.
  name               = var.name
  internal           = true
  load_balancer_type = "network"
  subnets            = var.subnet_ids

  # A load balancer created without a security group can never be given one.
  security_groups = [aws_security_group.load_balancer.id]

  # On, the rules would see the consumers' private addresses: overlapping, and not ours to know. Who comes in is decided per
  # connection by the approver and per request by the runtime.
  enforce_security_group_inbound_rules_on_private_link_traffic = "off"

  # Off by default: an endpoint in a zone without a healthy target would reach nothing.
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
}

resource "aws_lb_target_group" "runtime" {
  # The name changes with what forces a replacement, so that the new group can exist beside the old one.
  name_prefix = "${substr(var.name, 0, 5)}-"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "TCP"
  port        = local.tls_port

  # Through PrivateLink the source address is always ours: only the PROXY header says which endpoint called.
  proxy_protocol_v2  = true
  preserve_client_ip = false

  # HTTP on a port of its own: a TCP check passes before any policy is loaded, and an HTTPS check speaks no TLS 1.3 and has no client certificate.
  health_check {
    protocol            = "HTTP"
    port                = local.health_port
    path                = "/health"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  # Longer than the runtime's drain (20 s and 5 s to finish).
  deregistration_delay   = 60
  connection_termination = false

  # A draining runtime answers 503 here. By default that would cut the very connections it is finishing.
  target_health_state {
    enable_unhealthy_connection_termination = false
    unhealthy_draining_interval             = 60
  }

  lifecycle {
    create_before_destroy = true
  }
}

# TCP: a TLS listener would terminate TLS here, and the runtime would never see the client's certificate.
# The idle timeout stays at its default of 350 s: another value disables PrivateLink across Regions.
resource "aws_lb_listener" "tls_passthrough" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "TCP"
  port              = local.listener_port

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.runtime.arn
  }
}

resource "aws_vpc_endpoint_service" "this" {
  acceptance_required        = true
  network_load_balancer_arns = [aws_lb.this.arn]
  private_dns_name           = try(var.private_dns.name, null)
  supported_ip_address_types = ["ipv4"]
  tags                       = { Name = var.name }
}

# One resource a principal, not the list inside the service: an empty list there is read as "leave it as it is".
resource "aws_vpc_endpoint_service_allowed_principal" "consumer" {
  for_each                = local.accounts
  vpc_endpoint_service_id = aws_vpc_endpoint_service.this.id
  principal_arn           = "arn:${data.aws_partition.current.partition}:iam::${each.value}:root"
}

# --- private DNS name -------------------------------------------------------------------------------------------------

# AWS looks for this record in the public DNS before it lets consumers use the name.
resource "aws_route53_record" "verification" {
  count   = var.private_dns == null ? 0 : 1
  zone_id = var.private_dns.public_zone_id
  name    = one(aws_vpc_endpoint_service.this.private_dns_name_configuration).name
  type    = one(aws_vpc_endpoint_service.this.private_dns_name_configuration).type
  ttl     = 1800
  records = [one(aws_vpc_endpoint_service.this.private_dns_name_configuration).value]
}

resource "aws_vpc_endpoint_service_private_dns_verification" "this" {
  count                 = var.private_dns == null ? 0 : 1
  service_id            = aws_vpc_endpoint_service.this.id
  wait_for_verification = true
  depends_on            = [aws_route53_record.verification]
}
