output "certificate_authority" {
  description = "For module control-plane: the authority, the bucket that a revocation writes to, and where in it the CRL lies."
  value = {
    arn            = aws_acmpca_certificate_authority.this.arn
    crl_bucket_arn = aws_s3_bucket.crl.arn
    crl_uri        = local.crl_uri
  }

  # An authority without its certificate issues nothing.
  depends_on = [aws_acmpca_certificate_authority_certificate.this]
}

output "trust_anchor" {
  description = "The authority's certificate (PEM), for the runtime's `tls.clientTrustAnchors`."
  value       = aws_acmpca_certificate.authority.certificate
}

output "crl_uri" {
  description = "Where the CRL lies, for the runtime's `tls.crls`. It exists once a certificate was issued."
  value       = local.crl_uri
}
