# Without an API and without files: the runtime answers itself, from an image that brings its certificates.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name       = "invoices"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0aaa", "subnet-0bbb"]
  image      = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/api-runtime@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  load_balancer = {
    security_group_id  = "sg-0fff"
    target_group_arn   = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/invoi-1/0123456789abcdef"
    arn_suffix         = "net/invoices/0123456789abcdef"
    availability_zones = ["eu-west-1a", "eu-west-1b"]
    cidr_blocks        = ["10.0.1.0/24", "10.0.2.0/24"]
    tls_port           = 8443
    health_port        = 8080
  }
  tables = {
    access-policy      = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-access-policy"
    deny-list          = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-deny-list"
    endpoint-inventory = "arn:aws:dynamodb:eu-west-1:000000000000:table/linkward-endpoint-inventory"
    kms_key            = "arn:aws:kms:eu-west-1:000000000000:key/0aaa"
  }
  configuration = yamldecode(<<-YAML
    tls: { certificateChain: /etc/server.crt, privateKey: /etc/server.key, clientTrustAnchors: /etc/ca.crt }
    identity: { trustDomain: internal.example }
    policy: { mode: audit }
    denyList: { refresh: 2s }
  YAML
  )
}

run "a_runtime_alone" {
  assert {
    condition     = [for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.name] == ["runtime"]
    error_message = "no API, no files: one container"
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn) == 0
    error_message = "it waits for nobody"
  }

  assert {
    condition     = !can(yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment[0].value).upstream) && yamldecode(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment[0].value).tls.clientTrustAnchors == "/etc/ca.crt"
    error_message = "no upstream, and the paths as written"
  }

  assert {
    condition     = !strcontains(jsonencode(data.aws_iam_policy_document.this["execution"].statement), "secretsmanager")
    error_message = "no secret, no right to any"
  }
}
