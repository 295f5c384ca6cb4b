# Keys that last and certificates that do not.
package linkward.gate

import rego.v1

# Days. What the rotator issues at most, and what the runtime is told to accept.
longest_lifetime := 30

# Years, of an authority's own certificate.
longest_authority := 10

weak_key(algorithm) if {
	startswith(algorithm, "RSA_")
	to_number(trim_prefix(algorithm, "RSA_")) < 2048
}

strong_key := "Use EC_prime256v1, or RSA_2048 and more."

deny contains data.linkward.plan.finding(certificate.address, "key-strength", sprintf("%s is too short a key", [algorithm]), strong_key) if {
	some certificate in data.linkward.plan.resources({"aws_acm_certificate"})
	algorithm := data.linkward.plan.text(certificate, "key_algorithm")
	weak_key(algorithm)
}

deny contains data.linkward.plan.finding(certificate.address, "key-strength", "the key's algorithm is only known after the apply", strong_key) if {
	some certificate in data.linkward.plan.resources({"aws_acm_certificate"})
	data.linkward.plan.set_to_unknown(certificate, "key_algorithm")
}

deny contains data.linkward.plan.finding(authority.address, "key-strength", sprintf("%s is too short a key", [algorithm]), strong_key) if {
	some authority in data.linkward.plan.resources({"aws_acmpca_certificate_authority"})
	some configuration in data.linkward.plan.elements(authority, "certificate_authority_configuration")
	algorithm := configuration.key_algorithm
	is_string(algorithm)
	weak_key(algorithm)
}

deny contains data.linkward.plan.finding(authority.address, "key-strength", "the key's algorithm is only known after the apply", strong_key) if {
	some authority in data.linkward.plan.resources({"aws_acmpca_certificate_authority"})
	some configuration in data.linkward.plan.elements(authority, "certificate_authority_configuration")
	not configuration.key_algorithm
}

deny contains data.linkward.plan.finding(key.address, "key-strength", sprintf("RSA with %v bits is too short a key", [data.linkward.plan.planned(key, "rsa_bits")]), "Use ECDSA with P-256, or `rsa_bits = 2048` and more.") if {
	some key in data.linkward.plan.resources({"tls_private_key"})
	data.linkward.plan.planned(key, "algorithm") == "RSA"

	# Unset, the provider makes 2048 bits and says so in the plan.
	is_number(data.linkward.plan.planned(key, "rsa_bits"))
	data.linkward.plan.planned(key, "rsa_bits") < 2048
}

# --- lifetimes ---------------------------------------------------------------------------------------------------------

shorter := sprintf("Issue for at most %d days (`type = \"DAYS\"`) and let the rotator renew; an authority's own certificate lasts at most %d years.", [longest_lifetime, longest_authority])

days := {"DAYS": 1, "MONTHS": 31, "YEARS": 366}

# Undefined where it cannot be told: a date, or a value that is not known.
lasts(validity) := to_number(validity.value) * days[validity.type] if {
	is_string(object.get(validity, "value", null))
	regex.match(`^[0-9]+$`, validity.value)
}

for_authority(certificate) if contains(data.linkward.plan.text(certificate, "template_arn"), "CACertificate")

limit(certificate) := longest_authority * 366 if {
	for_authority(certificate)
} else := longest_lifetime

deny contains data.linkward.plan.finding(certificate.address, "certificate-lifetime", sprintf("the certificate would be valid for %v %s", [validity.value, lower(validity.type)]), shorter) if {
	some certificate in data.linkward.plan.resources({"aws_acmpca_certificate"})
	some validity in data.linkward.plan.elements(certificate, "validity")
	lasts(validity) > limit(certificate)
}

deny contains data.linkward.plan.finding(certificate.address, "certificate-lifetime", "how long the certificate would be valid cannot be told from the plan", shorter) if {
	some certificate in data.linkward.plan.resources({"aws_acmpca_certificate"})
	count([validity | some validity in data.linkward.plan.elements(certificate, "validity"); lasts(validity) > 0]) == 0
}

# Which limit holds depends on the template: one that is not known may issue to anybody.
deny contains data.linkward.plan.finding(certificate.address, "certificate-lifetime", "the certificate's template is only known after the apply", shorter) if {
	some certificate in data.linkward.plan.resources({"aws_acmpca_certificate"})
	data.linkward.plan.set_to_unknown(certificate, "template_arn")
}

deny contains data.linkward.plan.finding(certificate.address, "certificate-lifetime", sprintf("the certificate would be valid for %v hours", [hours]), shorter) if {
	some certificate in data.linkward.plan.resources({"tls_locally_signed_cert", "tls_self_signed_cert"})
	data.linkward.plan.planned(certificate, "is_ca_certificate") != true
	hours := data.linkward.plan.planned(certificate, "validity_period_hours")
	is_number(hours)
	hours > longest_lifetime * 24
}
