mock_provider "aws" {
  source = "../../tests/mocks"

  override_resource {
    target = aws_subnet.this[0]
    values = { id = "subnet-0aaa" }
  }

  override_resource {
    target = aws_subnet.this[1]
    values = { id = "subnet-0bbb" }
  }
}

variables {
  artifacts_path = "../../tests/fixtures/lambda"
}

run "it_plans_from_nothing" {
  command = plan
}

run "its_parts_know_each_other" {
  assert {
    condition     = output.service_id == "vpce-svc-0123456789abcdef0" && module.invoices.consumer_account_ids == toset(["111122223333"])
    error_message = "the approver's service is the one that was made, its consumers those of access.yaml"
  }
}
