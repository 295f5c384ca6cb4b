# What a mocked AWS answers. Only what the provider checks the form of, or what a test reads, is given; Terraform invents the rest.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "000000000000"
    arn        = "arn:aws:iam::000000000000:role/deployment"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

# Never read: tests read the statements.
mock_data "aws_iam_policy_document" {
  defaults = {
    json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

mock_data "aws_region" {
  defaults = {
    name = "eu-west-1"
    id   = "eu-west-1"
  }
}

mock_data "aws_subnet" {
  defaults = {
    availability_zone = "eu-west-1a"
    cidr_block        = "10.0.1.0/24"
  }
}

mock_data "aws_organizations_organizational_unit_descendant_accounts" {
  defaults = {
    accounts = [
      { id = "444455556666", arn = "arn:aws:organizations::000000000000:account/o-abcdefghij/444455556666", email = "a@example.com", name = "a", status = "ACTIVE" },
      { id = "777788889999", arn = "arn:aws:organizations::000000000000:account/o-abcdefghij/777788889999", email = "b@example.com", name = "b", status = "SUSPENDED" },
    ]
  }
}

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/net/invoices/0123456789abcdef"
    arn_suffix = "net/invoices/0123456789abcdef"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
    arn_suffix = "targetgroup/invoi-1/0123456789abcdef"
  }
}

mock_resource "aws_security_group" {
  defaults = {
    id = "sg-0123456789abcdef0"
  }
}

mock_resource "aws_vpc_endpoint_service" {
  defaults = {
    id           = "vpce-svc-0123456789abcdef0"
    arn          = "arn:aws:ec2:eu-west-1:000000000000:vpc-endpoint-service/vpce-svc-0123456789abcdef0"
    service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
    private_dns_name_configuration = [
      { name = "_token.invoices.example.com", type = "TXT", value = "vpce:token", state = "pendingVerification" },
    ]
  }
}

mock_resource "aws_vpc_endpoint" {
  defaults = {
    id        = "vpce-0a1b2c3d4e5f60718"
    dns_entry = [{ dns_name = "vpce-0a1b2c3d4e5f60718-x.vpce-svc-0123456789abcdef0.eu-west-1.vpce.amazonaws.com", hosted_zone_id = "Z38GZ743OKFT7T" }]
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-west-1:000000000000:topic"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-west-1:000000000000:queue"
    url = "https://sqs.eu-west-1.amazonaws.com/000000000000/queue"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn    = "arn:aws:kms:eu-west-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"
    key_id = "01234567-89ab-cdef-0123-456789abcdef"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::000000000000:role/linkward/role"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:function"
  }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = {
    arn = "arn:aws:events:eu-west-1:000000000000:event-bus/linkward"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = {
    arn = "arn:aws:events:eu-west-1:000000000000:rule/rule"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-west-1:000000000000:log-group:group"
  }
}

mock_resource "aws_cloudwatch_metric_alarm" {
  defaults = {
    arn = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:alarm"
  }
}

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/table"
  }
}

mock_resource "aws_acmpca_certificate_authority" {
  defaults = {
    arn                         = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/01234567-89ab-cdef-0123-456789abcdef"
    certificate_signing_request = "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----"
  }
}

mock_resource "aws_acmpca_certificate" {
  defaults = {
    arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/01234567-89ab-cdef-0123-456789abcdef/certificate/0123456789abcdef"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::bucket"
  }
}

mock_resource "aws_appconfig_application" {
  defaults = {
    id  = "abc1234"
    arn = "arn:aws:appconfig:eu-west-1:000000000000:application/abc1234"
  }
}

mock_resource "aws_appconfig_environment" {
  defaults = {
    environment_id = "env1234"
    arn            = "arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/environment/env1234"
  }
}

mock_resource "aws_appconfig_configuration_profile" {
  defaults = {
    configuration_profile_id = "pro1234"
    arn                      = "arn:aws:appconfig:eu-west-1:000000000000:application/abc1234/configurationprofile/pro1234"
  }
}

mock_resource "aws_appconfig_deployment_strategy" {
  defaults = {
    id = "str1234"
  }
}

mock_resource "aws_appconfig_hosted_configuration_version" {
  defaults = {
    version_number = 1
  }
}

mock_resource "aws_ecs_cluster" {
  defaults = {
    arn = "arn:aws:ecs:eu-west-1:000000000000:cluster/invoices"
  }
}

mock_resource "aws_ecs_task_definition" {
  defaults = {
    arn = "arn:aws:ecs:eu-west-1:000000000000:task-definition/invoices:1"
  }
}

mock_resource "aws_ecs_service" {
  defaults = {
    id = "arn:aws:ecs:eu-west-1:000000000000:service/invoices/invoices"
  }
}

mock_resource "aws_organizations_policy" {
  defaults = {
    id = "p-abcdefgh"
  }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = {
    arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:linkward/certificates/a-abcdef"
    id  = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:linkward/certificates/a-abcdef"
  }
}

mock_resource "aws_vpc" {
  defaults = { id = "vpc-0123456789abcdef0" }
}
