# The consumer's side: an interface endpoint, who may use it, the API's name in our VPC, and word to the provider that we asked.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  port = 443

  # One name for what belongs to this API; a domain name has characters that roles and rules may not.
  name = "linkward-${replace(var.api_name, ".", "-")}"
}

resource "aws_security_group" "endpoint" {
  name_prefix = "${substr(local.name, 0, 60)}-"
  description = "Endpoint of ${var.api_name}: who in this VPC may call it"
  vpc_id      = var.vpc_id
  tags        = { Name = local.name }

  lifecycle {
    create_before_destroy = true
  }
}

# No rule outwards: an endpoint starts no connection.
resource "aws_vpc_security_group_ingress_rule" "network" {
  for_each          = var.client_cidr_blocks
  security_group_id = aws_security_group.endpoint.id
  description       = "Callers of ${var.api_name}"
  ip_protocol       = "tcp"
  from_port         = local.port
  to_port           = local.port
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each                     = var.client_security_group_ids
  security_group_id            = aws_security_group.endpoint.id
  description                  = "${each.key}, a caller of ${var.api_name}"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = each.value
}

# auto_accept stays unset: it would accept in the provider's name, past the access policy.
resource "aws_vpc_endpoint" "this" {
  vpc_id              = var.vpc_id
  subnet_ids          = var.subnet_ids
  service_name        = var.service_name
  vpc_endpoint_type   = "Interface"
  security_group_ids  = [aws_security_group.endpoint.id]
  private_dns_enabled = false
  tags                = { Name = var.api_name }

  # The provider hears of the request from the rule below: it must exist first.
  depends_on = [aws_cloudwatch_event_target.provider_bus]
}

# A zone of exactly the API's name: every other name of the domain resolves as before.
resource "aws_route53_zone" "api" {
  name    = var.api_name
  comment = "${var.api_name} through its VPC endpoint"

  vpc {
    vpc_id = var.vpc_id
  }
}

resource "aws_route53_record" "api" {
  zone_id = aws_route53_zone.api.zone_id
  name    = var.api_name
  type    = "A"

  alias {
    # The second values are never applied (see below); they let `terraform destroy` go through while the endpoint is pending.
    name                   = try(aws_vpc_endpoint.this.dns_entry[0].dns_name, "pending.invalid")
    zone_id                = try(aws_vpc_endpoint.this.dns_entry[0].hosted_zone_id, "PENDING")
    evaluate_target_health = false
  }

  lifecycle {
    precondition {
      # An endpoint has no DNS names before it is available.
      condition     = length(aws_vpc_endpoint.this.dns_entry) > 0
      error_message = "The endpoint ${aws_vpc_endpoint.this.id} of ${data.aws_caller_identity.current.account_id} is not accepted yet. When the provider's access policy lists this account and its approver has run, apply again: everything else is in place."
    }
  }
}
