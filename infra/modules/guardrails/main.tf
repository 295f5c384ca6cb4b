# Service control policies: what nobody in the accounts below may do, whatever their IAM says. They bind every account of the
# targets but the organization's management account. Apply this module there, or in a delegated administrator's account.

data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition

  # By path and name, in every account: module control-plane makes them so, and the policy control-plane lets nobody else make any.
  roles = {
    for function in ["certificate-revoker", "certificate-rotator", "endpoint-approver"] :
    function => "arn:${local.partition}:iam::*:role/linkward/${var.name}-${function}"
  }

  values = {
    name              = var.name
    partition         = local.partition
    inventory_writers = jsonencode(concat([local.roles["endpoint-approver"]], var.deployment_role_arns))
    function_roles    = jsonencode("arn:${local.partition}:iam::*:role/linkward/*")
    deployment_roles  = jsonencode(var.deployment_role_arns)
    approvers         = jsonencode([local.roles["endpoint-approver"]])
    revokers          = jsonencode(concat([local.roles["certificate-revoker"]], var.deployment_role_arns))
    operators         = jsonencode(concat(var.operator_role_arns, var.deployment_role_arns))
    issuers           = jsonencode(concat([local.roles["certificate-rotator"]], var.issuer_role_arns, var.deployment_role_arns))
  }

  policies = {
    private-load-balancers = "Load balancers are internal; Gateway Load Balancers, which have no scheme, are denied too"
    endpoint-services      = "The approver decides endpoint connections, deployments change endpoint services"
    certificates           = "Certificates are issued by issuers and from known templates, and revoked by the revoker"
    control-plane          = "Roles, functions, bus and tables are changed by deployments, operators and their functions only"
  }

  # Decoded and encoded again: an SCP has at most 5,120 characters, blanks included.
  documents = { for name in keys(local.policies) : name => jsonencode(jsondecode(templatefile("${path.module}/policies/${name}.json.tftpl", local.values))) }
}

resource "aws_organizations_policy" "this" {
  for_each    = local.policies
  name        = "${var.name}-${each.key}"
  description = each.value
  type        = "SERVICE_CONTROL_POLICY"
  content     = local.documents[each.key]

  lifecycle {
    precondition {
      condition     = length(local.documents[each.key]) <= 5120
      error_message = "The policy ${each.key} has more than the 5,120 characters that AWS takes: name fewer roles."
    }
  }
}

resource "aws_organizations_policy_attachment" "this" {
  for_each  = { for pair in setproduct(keys(local.policies), var.target_ids) : "${pair[0]}/${pair[1]}" => { policy = pair[0], target = pair[1] } }
  policy_id = aws_organizations_policy.this[each.value.policy].id
  target_id = each.value.target
}

# Where no VPC needs the internet this serves better than a policy about load balancers: whatever is public in there, nobody reaches it. Out through
# NAT gateways stays possible.
resource "aws_organizations_policy" "no_public_access" {
  count       = length(var.private_target_ids) == 0 ? 0 : 1
  name        = "${var.name}-no-public-access"
  description = "No VPC takes anything from the internet"
  type        = "DECLARATIVE_POLICY_EC2"
  content = jsonencode({
    ec2_attributes = {
      vpc_block_public_access = {
        internet_gateway_block = {
          mode               = { "@@assign" = "block_ingress" }
          exclusions_allowed = { "@@assign" = "disabled" }
        }
      }
    }
  })
}

resource "aws_organizations_policy_attachment" "no_public_access" {
  for_each  = var.private_target_ids
  policy_id = aws_organizations_policy.no_public_access[0].id
  target_id = each.value
}
