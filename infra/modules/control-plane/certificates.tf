# Client certificates: a secret each, rotated by the rotator when half of the certificate's lifetime is over, so that one failed rotation hurts nobody.

locals {
  secret_prefix = "${var.name}/certificates/"
}

resource "aws_secretsmanager_secret" "certificate" {
  for_each    = var.certificates.secrets
  name        = "${local.secret_prefix}${each.key}"
  description = "Certificate, chain and private key of ${each.value.identity}"
  kms_key_id  = aws_kms_key.this.arn

  # Whom a certificate is for, the rotator reads here, and nowhere else.
  tags = merge(
    { "linkward:identity" = each.value.identity },
    each.value.test_address == null ? {} : { "linkward:test-address" = each.value.test_address },
  )
}

resource "aws_secretsmanager_secret_rotation" "certificate" {
  #checkov:skip=CKV_AWS_304:At most 15 days, half of lifetime_days; checkov does not compute it.
  for_each            = var.certificates.secrets
  secret_id           = aws_secretsmanager_secret.certificate[each.key].id
  rotation_lambda_arn = aws_lambda_function.this["certificate-rotator"].arn

  rotation_rules {
    automatically_after_days = floor(var.certificates.lifetime_days / 2)
  }

  depends_on = [aws_lambda_permission.rotation]
}

resource "aws_lambda_permission" "rotation" {
  statement_id   = "rotation"
  function_name  = aws_lambda_function.this["certificate-rotator"].function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
}
