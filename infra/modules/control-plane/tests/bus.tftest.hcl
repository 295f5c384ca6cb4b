# Who may send what: the bus policy, evaluated. `no statement` leaves it to IAM within the account and denies it to others: our functions' own policies
# allow them to send as linkward, and a denial here is one that no policy in the account can lift.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  endpoint_services = {
    invoices = {
      service_id             = "vpce-svc-0aaa"
      notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:invoices-endpoint-connections"
    }
    reports = {
      service_id             = "vpce-svc-0bbb"
      notification_topic_arn = "arn:aws:sns:eu-west-1:000000000000:reports-endpoint-connections"
    }
  }
  artifacts = {
    zips = {
      endpoint-approver   = "../../tests/fixtures/bootstrap.zip"
      certificate-revoker = "../../tests/fixtures/bootstrap.zip"
      certificate-rotator = "../../tests/fixtures/bootstrap.zip"
      posture-reporter    = "../../tests/fixtures/bootstrap.zip"
    }
  }
  certificates         = { trust_domain = "internal.example" }
  operator_role_arns   = ["arn:aws:iam::000000000000:role/security-operator"]
  consumer_account_ids = ["111122223333", "012345678901"]
  certificate_authorities = [
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa", crl_bucket_arn = "arn:aws:s3:::crl-new" },
    { arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0bbb", crl_bucket_arn = "arn:aws:s3:::crl-old" },
  ]
}

run "bus" {
  # The names in the bus policy are those of the roles.
  assert {
    condition = toset([for role in aws_iam_role.function : "arn:aws:iam::000000000000:role${role.path}${role.name}"]) == toset([
      "arn:aws:iam::000000000000:role/linkward/linkward-certificate-revoker",
      "arn:aws:iam::000000000000:role/linkward/linkward-certificate-rotator",
      "arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver",
      "arn:aws:iam::000000000000:role/linkward/linkward-posture-reporter",
    ])
    error_message = "the bus policy names roles that do not exist"
  }
}

run "only_operators_send_as_operator_only_functions_as_linkward_only_consumers_forward" {
  module {
    source = "../../tests/policy-evaluator"
  }

  variables {
    policy = run.bus.event_bus_policy
    requests = {
      operator_asks_for_a_revocation = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/security-operator", "events:source" = "linkward.operator", "events:detail-type" = "Certificate Revocation Requested" }
      }
      operator_announces_a_policy = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/security-operator", "events:source" = "linkward", "events:detail-type" = "Policy Changed" }
      }
      operator_forges_an_audit_event = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/security-operator", "events:source" = "linkward", "events:detail-type" = "Endpoint Accepted" }
      }
      administrator_asks_for_a_revocation = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/administrator", "events:source" = "linkward.operator", "events:detail-type" = "Certificate Revocation Requested" }
      }
      administrator_forges_an_audit_event = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/administrator", "events:source" = "linkward", "events:detail-type" = "Certificate Revoked" }
      }
      administrator_announces_a_policy = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/administrator", "events:source" = "linkward", "events:detail-type" = "Policy Changed" }
      }
      approver_tells_what_it_did = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver", "events:source" = "linkward", "events:detail-type" = "Endpoint Accepted" }
      }
      revoker_tells_what_it_did = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/linkward/linkward-certificate-revoker", "events:source" = "linkward", "events:detail-type" = "Certificate Revoked" }
      }
      revoker_announces_a_policy = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/linkward/linkward-certificate-revoker", "events:source" = "linkward", "events:detail-type" = "Policy Changed" }
      }
      approver_asks_as_an_operator = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/linkward/linkward-endpoint-approver", "events:source" = "linkward.operator", "events:detail-type" = "Endpoint Sweep Requested" }
      }
      consumer_forwards_a_record = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::012345678901:role/linkward/forward", "events:source" = "aws.ec2", "events:detail-type" = "AWS API Call via CloudTrail" }
      }
      consumer_forwards_something_else = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::012345678901:role/linkward/forward", "events:source" = "aws.ec2", "events:detail-type" = "EC2 Instance State-change Notification" }
      }
      consumer_asks_as_an_operator = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::012345678901:role/linkward/forward", "events:source" = "linkward.operator", "events:detail-type" = "Certificate Denial Withdrawn" }
      }
      consumer_forges_an_audit_event = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::012345678901:role/linkward/forward", "events:source" = "linkward", "events:detail-type" = "Endpoint Accepted" }
      }
      another_account_forwards_a_record = {
        action   = "events:PutEvents"
        resource = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
        context  = { "aws:PrincipalArn" = "arn:aws:iam::222233334444:role/linkward/forward", "events:source" = "aws.ec2", "events:detail-type" = "AWS API Call via CloudTrail" }
      }
    }
  }

  assert {
    condition = output.decisions == {
      operator_asks_for_a_revocation      = "allow"
      operator_announces_a_policy         = "allow"
      operator_forges_an_audit_event      = "deny: OnlyFunctionsAsLinkward"
      administrator_asks_for_a_revocation = "deny: OnlyOperatorsAsOperator"
      administrator_forges_an_audit_event = "deny: OnlyFunctionsAsLinkward"
      administrator_announces_a_policy    = "deny: OnlyOperatorsAndFunctionsAnnouncePolicy"
      approver_tells_what_it_did          = "no statement"
      revoker_tells_what_it_did           = "no statement"
      revoker_announces_a_policy          = "no statement"
      approver_asks_as_an_operator        = "deny: OnlyOperatorsAsOperator"
      consumer_forwards_a_record          = "allow"
      consumer_forwards_something_else    = "no statement"
      consumer_asks_as_an_operator        = "deny: OnlyOperatorsAsOperator"
      consumer_forges_an_audit_event      = "deny: OnlyFunctionsAsLinkward"
      another_account_forwards_a_record   = "no statement"
    }
    error_message = "the bus policy decides otherwise"
  }
}

run "without_consumers_nobody_forwards" {
  variables {
    consumer_account_ids = []
  }

  assert {
    condition     = !strcontains(aws_cloudwatch_event_bus_policy.this.policy, "ConsumersForward")
    error_message = "a statement without principals would be refused by AWS"
  }
}
