# Every policy evaluated on requests it must deny, and on requests it must leave alone.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  target_ids           = ["ou-ab12-abcdefgh", "123456789012"]
  deployment_role_arns = ["arn:aws:iam::*:role/deployment"]
  operator_role_arns   = ["arn:aws:iam::*:role/security-operator"]
  issuer_role_arns     = ["arn:aws:iam::*:role/issuer"]
}

run "policies" {
  command = plan
}

run "private_load_balancers_are_decided" {
  module {
    source = "../../tests/policy-evaluator"
  }

  variables {
    policy = run.policies.documents["private-load-balancers"]
    requests = {
      internal = {
        action   = "elasticloadbalancing:CreateLoadBalancer"
        resource = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/x/0"
        context = {
          "aws:PrincipalArn"            = "arn:aws:iam::123456789012:role/admin"
          "elasticloadbalancing:Scheme" = "internal"
        }
      }
      internet_facing = {
        action   = "elasticloadbalancing:CreateLoadBalancer"
        resource = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/x/0"
        context = {
          "aws:PrincipalArn"            = "arn:aws:iam::123456789012:role/admin"
          "elasticloadbalancing:Scheme" = "internet-facing"
        }
      }
      scheme_left_out = {
        action   = "elasticloadbalancing:CreateLoadBalancer"
        resource = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/x/0"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      even_by_a_deployment = {
        action   = "elasticloadbalancing:CreateLoadBalancer"
        resource = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/x/0"
        context = {
          "aws:PrincipalArn"            = "arn:aws:iam::123456789012:role/deployment"
          "elasticloadbalancing:Scheme" = "internet-facing"
        }
      }
      deleting = {
        action   = "elasticloadbalancing:DeleteLoadBalancer"
        resource = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/x/0"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
    }
  }

  assert {
    condition = output.decisions == {
      internal             = "no statement"
      internet_facing      = "deny: OnlyInternalLoadBalancers"
      scheme_left_out      = "deny: OnlyInternalLoadBalancers"
      even_by_a_deployment = "deny: OnlyInternalLoadBalancers"
      deleting             = "no statement"
    }
    error_message = "private-load-balancers decides otherwise"
  }
}

run "endpoint_services_are_decided" {
  module {
    source = "../../tests/policy-evaluator"
  }

  variables {
    policy = run.policies.documents["endpoint-services"]
    requests = {
      approver_accepts = {
        action   = "ec2:AcceptVpcEndpointConnections"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        }
      }
      approver_rejects = {
        action   = "ec2:RejectVpcEndpointConnections"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        }
      }
      admin_accepts = {
        action   = "ec2:AcceptVpcEndpointConnections"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      deployment_accepts = {
        action   = "ec2:AcceptVpcEndpointConnections"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/deployment"
        }
      }
      revoker_rejects = {
        action   = "ec2:RejectVpcEndpointConnections"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-certificate-revoker"
        }
      }
      role_of_the_same_name_elsewhere = {
        action   = "ec2:AcceptVpcEndpointConnections"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward-endpoint-approver"
        }
      }
      deployment_allows_a_principal = {
        action   = "ec2:ModifyVpcEndpointServicePermissions"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/deployment"
        }
      }
      admin_allows_a_principal = {
        action   = "ec2:ModifyVpcEndpointServicePermissions"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_drops_acceptance = {
        action   = "ec2:ModifyVpcEndpointServiceConfiguration"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      approver_drops_acceptance = {
        action   = "ec2:ModifyVpcEndpointServiceConfiguration"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        }
      }
      admin_silences_notifications = {
        action   = "ec2:DeleteVpcEndpointConnectionNotifications"
        resource = "arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint-service/vpce-svc-0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      anybody_looks = {
        action   = "ec2:DescribeVpcEndpointConnections"
        resource = "*"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      a_consumer_asks_for_an_endpoint = {
        action   = "ec2:CreateVpcEndpoint"
        resource = "*"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
    }
  }

  assert {
    condition = output.decisions == {
      approver_accepts                = "no statement"
      approver_rejects                = "no statement"
      admin_accepts                   = "deny: OnlyTheApproverDecides"
      deployment_accepts              = "deny: OnlyTheApproverDecides"
      revoker_rejects                 = "deny: OnlyTheApproverDecides"
      role_of_the_same_name_elsewhere = "deny: OnlyTheApproverDecides"
      deployment_allows_a_principal   = "no statement"
      admin_allows_a_principal        = "deny: OnlyDeploymentsChangeServices"
      admin_drops_acceptance          = "deny: OnlyDeploymentsChangeServices"
      approver_drops_acceptance       = "deny: OnlyDeploymentsChangeServices"
      admin_silences_notifications    = "deny: OnlyDeploymentsChangeServices"
      anybody_looks                   = "no statement"
      a_consumer_asks_for_an_endpoint = "no statement"
    }
    error_message = "endpoint-services decides otherwise"
  }
}

run "certificates_are_decided" {
  module {
    source = "../../tests/policy-evaluator"
  }

  variables {
    policy = run.policies.documents["certificates"]
    requests = {
      rotator_issues_for_a_client = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/linkward/linkward-certificate-rotator"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1"
        }
      }
      issuer_issues_for_a_client = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/issuer"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1"
        }
      }
      issuer_issues_for_a_server = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/issuer"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1"
        }
      }
      admin_issues = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/admin"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1"
        }
      }
      issuer_issues_from_the_default_template = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/issuer"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
        }
      }
      issuer_names_no_template = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/issuer"
        }
      }
      issuer_lets_the_request_choose = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/issuer"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/EndEntityCertificate_CSRPassthrough/V1"
        }
      }
      issuer_makes_an_authority = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/issuer"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1"
        }
      }
      deployment_makes_an_authority = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/deployment"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/RootCACertificate/V1"
        }
      }
      deployment_makes_a_chain_of_authorities = {
        action   = "acm-pca:IssueCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn"    = "arn:aws:iam::123456789012:role/deployment"
          "acm-pca:TemplateArn" = "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen3/V1"
        }
      }
      revoker_revokes = {
        action   = "acm-pca:RevokeCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-certificate-revoker"
        }
      }
      issuer_revokes = {
        action   = "acm-pca:RevokeCertificate"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/issuer"
        }
      }
      admin_switches_the_crl_off = {
        action   = "acm-pca:UpdateCertificateAuthority"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_shares_the_authority = {
        action   = "acm-pca:PutPolicy"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      deployment_changes_the_authority = {
        action   = "acm-pca:UpdateCertificateAuthority"
        resource = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0aaa"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/deployment"
        }
      }
    }
  }

  assert {
    condition = output.decisions == {
      rotator_issues_for_a_client             = "no statement"
      issuer_issues_for_a_client              = "no statement"
      issuer_issues_for_a_server              = "no statement"
      admin_issues                            = "deny: OnlyIssuersIssue"
      issuer_issues_from_the_default_template = "deny: OnlyFromTheseTemplates"
      issuer_names_no_template                = "deny: OnlyFromTheseTemplates"
      issuer_lets_the_request_choose          = "deny: OnlyFromTheseTemplates"
      issuer_makes_an_authority               = "deny: OnlyDeploymentsMakeAuthorities"
      deployment_makes_an_authority           = "no statement"
      deployment_makes_a_chain_of_authorities = "deny: OnlyFromTheseTemplates"
      revoker_revokes                         = "no statement"
      issuer_revokes                          = "deny: OnlyTheRevokerRevokes"
      admin_switches_the_crl_off              = "deny: OnlyDeploymentsChangeAuthorities"
      admin_shares_the_authority              = "deny: OnlyDeploymentsChangeAuthorities"
      deployment_changes_the_authority        = "no statement"
    }
    error_message = "certificates decides otherwise"
  }
}

run "control_plane_are_decided" {
  module {
    source = "../../tests/policy-evaluator"
  }

  variables {
    policy = run.policies.documents["control-plane"]
    requests = {
      admin_makes_a_role_that_passes_for_ours = {
        action   = "iam:CreateRole"
        resource = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_takes_over_a_role_of_ours = {
        action   = "iam:UpdateAssumeRolePolicy"
        resource = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_passes_a_role_of_ours = {
        action   = "iam:PassRole"
        resource = "arn:aws:iam::123456789012:role/linkward/linkward-certificate-revoker"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      deployment_makes_our_role = {
        action   = "iam:CreateRole"
        resource = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/deployment"
        }
      }
      admin_makes_another_role = {
        action   = "iam:CreateRole"
        resource = "arn:aws:iam::123456789012:role/billing"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_replaces_our_code = {
        action   = "lambda:UpdateFunctionCode"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_invokes_the_revoker_past_the_bus = {
        action   = "lambda:InvokeFunction"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-certificate-revoker"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_invokes_a_function_of_his = {
        action   = "lambda:InvokeFunction"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:billing"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_opens_the_bus = {
        action   = "events:PutPermission"
        resource = "arn:aws:events:eu-west-1:123456789012:event-bus/linkward"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_opens_another_bus = {
        action   = "events:PutPermission"
        resource = "arn:aws:events:eu-west-1:123456789012:event-bus/orders"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_disables_a_rule_of_the_bus = {
        action   = "events:DisableRule"
        resource = "arn:aws:events:eu-west-1:123456789012:rule/linkward/linkward-certificate-revocation-requested"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      admin_invokes_the_reporter = {
        action   = "lambda:InvokeFunction"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-posture-reporter"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      operator_invokes_the_revoker_past_the_bus = {
        action   = "lambda:InvokeFunction"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-certificate-revoker"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/security-operator"
        }
      }
      operator_asks_the_approver_for_a_dry_run = {
        action   = "lambda:InvokeFunction"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/security-operator"
        }
      }
      admin_asks_the_approver = {
        action   = "lambda:InvokeFunction"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      operator_replaces_the_approver = {
        action   = "lambda:UpdateFunctionCode"
        resource = "arn:aws:lambda:eu-west-1:123456789012:function:linkward-endpoint-approver"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/security-operator"
        }
      }
      admin_stops_the_sweep = {
        action   = "events:DisableRule"
        resource = "arn:aws:events:eu-west-1:123456789012:rule/linkward-endpoint-approver-schedule"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      deployment_changes_the_sweep = {
        action   = "events:PutRule"
        resource = "arn:aws:events:eu-west-1:123456789012:rule/linkward-endpoint-approver-schedule"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/deployment"
        }
      }
      admin_stops_another_schedule = {
        action   = "events:DisableRule"
        resource = "arn:aws:events:eu-west-1:123456789012:rule/billing"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      approver_writes_the_inventory = {
        action   = "dynamodb:BatchWriteItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-endpoint-inventory"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        }
      }
      admin_gives_an_endpoint_another_account = {
        action   = "dynamodb:UpdateItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-endpoint-inventory"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      operator_gives_an_endpoint_another_account = {
        action   = "dynamodb:PutItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-endpoint-inventory"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/security-operator"
        }
      }
      operator_pushes_a_policy = {
        action   = "dynamodb:PutItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-access-policy"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/security-operator"
        }
      }
      admin_pushes_a_policy = {
        action   = "dynamodb:PutItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-access-policy"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      approver_writes_the_policy = {
        action   = "dynamodb:PutItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-access-policy"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
        }
      }
      operator_deploys_a_policy = {
        action   = "appconfig:StartDeployment"
        resource = "arn:aws:appconfig:eu-west-1:123456789012:application/abc1234"
        context = {
          "aws:PrincipalArn"                       = "arn:aws:iam::123456789012:role/security-operator"
          "aws:ResourceTag/linkward:access-policy" = "guarded"
        }
      }
      admin_deploys_a_policy = {
        action   = "appconfig:StartDeployment"
        resource = "arn:aws:appconfig:eu-west-1:123456789012:application/abc1234"
        context = {
          "aws:PrincipalArn"                       = "arn:aws:iam::123456789012:role/admin"
          "aws:ResourceTag/linkward:access-policy" = "guarded"
        }
      }
      admin_takes_the_tag_off = {
        action   = "appconfig:UntagResource"
        resource = "arn:aws:appconfig:eu-west-1:123456789012:application/abc1234"
        context = {
          "aws:PrincipalArn"                       = "arn:aws:iam::123456789012:role/admin"
          "aws:ResourceTag/linkward:access-policy" = "guarded"
        }
      }
      admin_takes_the_validator_off = {
        action   = "appconfig:UpdateConfigurationProfile"
        resource = "arn:aws:appconfig:eu-west-1:123456789012:application/abc1234"
        context = {
          "aws:PrincipalArn"                       = "arn:aws:iam::123456789012:role/admin"
          "aws:ResourceTag/linkward:access-policy" = "guarded"
        }
      }
      approver_reads_the_deployed_policy = {
        action   = "appconfig:GetLatestConfiguration"
        resource = "arn:aws:appconfig:eu-west-1:123456789012:application/abc1234"
        context = {
          "aws:PrincipalArn"                       = "arn:aws:iam::123456789012:role/linkward/linkward-endpoint-approver"
          "aws:ResourceTag/linkward:access-policy" = "guarded"
        }
      }
      admin_deploys_something_else = {
        action   = "appconfig:StartDeployment"
        resource = "arn:aws:appconfig:eu-west-1:123456789012:application/abc1234"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      revoker_denies = {
        action   = "dynamodb:PutItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-deny-list"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/linkward/linkward-certificate-revoker"
        }
      }
      admin_lifts_a_denial = {
        action   = "dynamodb:DeleteItem"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-deny-list"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
      anybody_reads_denials = {
        action   = "dynamodb:Query"
        resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/linkward-deny-list"
        context = {
          "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/admin"
        }
      }
    }
  }

  assert {
    condition = output.decisions == {
      admin_makes_a_role_that_passes_for_ours    = "deny: OnlyDeploymentsMakeOurRoles"
      admin_takes_over_a_role_of_ours            = "deny: OnlyDeploymentsMakeOurRoles"
      admin_passes_a_role_of_ours                = "deny: OnlyDeploymentsMakeOurRoles"
      deployment_makes_our_role                  = "no statement"
      admin_makes_another_role                   = "no statement"
      admin_replaces_our_code                    = "deny: OnlyDeploymentsChangeOurFunctions"
      admin_invokes_the_revoker_past_the_bus     = "deny: OnlyTheBusAsks"
      admin_invokes_a_function_of_his            = "no statement"
      admin_opens_the_bus                        = "deny: OnlyDeploymentsChangeTheBus"
      admin_opens_another_bus                    = "no statement"
      admin_disables_a_rule_of_the_bus           = "deny: OnlyDeploymentsChangeOurRules"
      admin_invokes_the_reporter                 = "deny: OnlyTheBusAsks"
      operator_invokes_the_revoker_past_the_bus  = "deny: OnlyTheBusAsks"
      operator_asks_the_approver_for_a_dry_run   = "no statement"
      admin_asks_the_approver                    = "deny: OnlyOperatorsAskTheApprover"
      operator_replaces_the_approver             = "deny: OnlyDeploymentsChangeOurFunctions"
      admin_stops_the_sweep                      = "deny: OnlyDeploymentsChangeOurRules"
      deployment_changes_the_sweep               = "no statement"
      admin_stops_another_schedule               = "no statement"
      approver_writes_the_inventory              = "no statement"
      admin_gives_an_endpoint_another_account    = "deny: OnlyTheApproverKnowsEndpoints"
      operator_gives_an_endpoint_another_account = "deny: OnlyTheApproverKnowsEndpoints"
      operator_pushes_a_policy                   = "no statement"
      admin_pushes_a_policy                      = "deny: OnlyOperatorsWriteThePolicy"
      approver_writes_the_policy                 = "deny: OnlyOperatorsWriteThePolicy"
      operator_deploys_a_policy                  = "no statement"
      admin_deploys_a_policy                     = "deny: OnlyOperatorsDeployThePolicy"
      admin_takes_the_tag_off                    = "deny: OnlyOperatorsDeployThePolicy"
      admin_takes_the_validator_off              = "deny: OnlyOperatorsDeployThePolicy"
      approver_reads_the_deployed_policy         = "no statement"
      admin_deploys_something_else               = "no statement"
      revoker_denies                             = "no statement"
      admin_lifts_a_denial                       = "deny: OnlyTheRevokerDenies"
      anybody_reads_denials                      = "no statement"
    }
    error_message = "control-plane decides otherwise"
  }
}
