//! What can break around the load balancer, the topic and the roles.

use crate::Patient;
use crate::kept::between;

pub(crate) fn breaks(patient: &Patient) {
    service(patient);
    load_balancer(patient);
    topic(patient);
    let kept = &patient.kept;
    let named = [("RoleName", "certificate-revoker"), ("PolicyName", "iam.json")];
    let policy = kept.query("iam", "GetRolePolicy", &named);
    let policy = between(&policy, "<PolicyDocument>", "</PolicyDocument>").to_owned();
    kept.query("iam", "DeleteRolePolicy", &named);
    patient.expect("permissions", "red", "role/certificate-revoker what functions/*/iam.json says", &[]);
    let decoded = form_urlencoded::parse(format!("p={policy}").as_bytes()).next().unwrap().1.into_owned();
    let decoded = decoded.replace("&quot;", "\"");
    kept.query("iam", "PutRolePolicy", &[&named[..], &[("PolicyDocument", decoded.as_str())]].concat());
    patient.expect_healthy();
    // The wrong account's credentials, or the wrong authority: said before anything else is looked for.
    let elsewhere = "arn:aws:acm-pca:eu-west-1:999999999999:certificate-authority/0";
    let found = patient.complaints(&["--authorities", elsewhere]);
    assert!(found.iter().any(|(name, _, remedy)| name == "account" && remedy.contains("--from consumer")), "{found:?}");
}

fn service(patient: &Patient) {
    let service = patient.kept.variable("LINKWARD_SERVICE_IDS");
    let acceptance = |required: &str| {
        let change = [("ServiceId", service), ("AcceptanceRequired", required)];
        patient.kept.query("ec2", "ModifyVpcEndpointServiceConfiguration", &change);
    };
    acceptance("false");
    patient.expect("endpointService", "red", "`acceptance_required`", &[]);
    acceptance("true");
    patient.expect_healthy();
}

fn load_balancer(patient: &Patient) {
    let kept = &patient.kept;
    let groups = kept.query("elb", "DescribeTargetGroups", &[]);
    let group = between(&groups, "<TargetGroupArn>", "</TargetGroupArn>");
    let proxy = |enabled: &str| {
        let attribute = [
            ("TargetGroupArn", group),
            ("Attributes.member.1.Key", "proxy_protocol_v2.enabled"),
            ("Attributes.member.1.Value", enabled),
        ];
        kept.query("elb", "ModifyTargetGroupAttributes", &attribute);
    };
    proxy("false");
    patient.expect("loadBalancer", "red", "`proxy_protocol_v2`", &[]);
    proxy("true");
    let health = kept.query("elb", "DescribeTargetHealth", &[("TargetGroupArn", group)]);
    let (id, port) = (between(&health, "<Id>", "</Id>"), between(&health, "<Port>", "</Port>"));
    let target = [("TargetGroupArn", group), ("Targets.member.1.Id", id), ("Targets.member.1.Port", port)];
    kept.query("elb", "DeregisterTargets", &target);
    patient.expect("targets", "red", "`/health`", &[]);
    kept.query("elb", "RegisterTargets", &target);
    patient.expect_healthy();
}

fn topic(patient: &Patient) {
    let kept = &patient.kept;
    let subscriptions = kept.query("sns", "ListSubscriptions", &[]);
    let subscription = between(&subscriptions, "<SubscriptionArn>", "</SubscriptionArn>");
    let (topic, function) =
        (between(&subscriptions, "<TopicArn>", "</TopicArn>"), between(&subscriptions, "<Endpoint>", "</Endpoint>"));
    kept.query("sns", "Unsubscribe", &[("SubscriptionArn", subscription)]);
    patient.expect("notifications", "red", "subscribe the endpoint-approver", &[]);
    kept.query("sns", "Subscribe", &[("TopicArn", topic), ("Protocol", "lambda"), ("Endpoint", function)]);

    let set = |policy: &str| {
        kept.query(
            "sns",
            "SetTopicAttributes",
            &[("TopicArn", topic), ("AttributeName", "Policy"), ("AttributeValue", policy)],
        );
    };
    let good = |condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"vpce.amazonaws.com"}},"Action":"sns:Publish","Resource":"{topic}"{condition}}}]}}"#
        )
    };
    set(&good("").replace("vpce.", "s3."));
    patient.expect("topicPolicy", "red", "`sns:Publish`", &[]);
    set(&good(""));
    patient.expect("topicPolicy", "yellow", "`aws:SourceArn`", &[]);
    set(&good(r#","Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"}}"#));
    patient.expect_healthy();
}
