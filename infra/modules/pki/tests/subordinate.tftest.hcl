# A file of its own: the type of an authority never changes.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "a_subordinate_is_signed_by_its_parent_and_issues_no_authorities" {
  variables {
    common_name  = "Internal APIs"
    organization = "Example"
    parent = {
      certificate_authority_arn = "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa"
      signing_algorithm         = "SHA512WITHRSA"
    }
  }

  assert {
    condition = (
      aws_acmpca_certificate_authority.this.type == "SUBORDINATE" &&
      aws_acmpca_certificate.authority.certificate_authority_arn == "arn:aws:acm-pca:eu-west-1:000000000000:certificate-authority/0aaa" &&
      aws_acmpca_certificate.authority.signing_algorithm == "SHA512WITHRSA"
    )
    error_message = "the parent signs, with its own algorithm"
  }

  assert {
    condition     = endswith(aws_acmpca_certificate.authority.template_arn, ":template/SubordinateCACertificate_PathLen0/V1")
    error_message = "an issuing authority must not make further authorities"
  }
}
