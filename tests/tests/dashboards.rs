//! Dashboards and alarms name only metrics that somebody publishes: one that nobody publishes never rings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// Name, kind and unit of each metric of the runtime, as its document says them.
fn documented() -> Vec<[String; 3]> {
    let document = read("docs/METRICS.md");
    let (document, _) = document.split_once("<!-- end -->").unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let metrics: Vec<_> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            [cells[1].trim_matches('`'), cells[2], cells[3]].map(str::to_owned)
        })
        .collect();
    assert!(metrics.len() > 15, "docs/METRICS.md has lost its table");
    metrics
}

/// The names that Prometheus is told.
fn for_prometheus() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for [name, kind, unit] in documented() {
        let unit = if unit == "seconds" { "_seconds" } else { "" };
        let ends: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        names.extend(ends.iter().map(|end| format!("linkward_{name}{unit}{end}")));
    }
    names
}

/// The names that CloudWatch is told, by the runtime and by the functions.
fn for_cloudwatch() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = documented().iter().map(|[name, ..]| pascal(name)).collect();
    let table = read("functions/telemetry/src/metrics.rs");
    // RUNS: 0 = "Runs", Count, …
    let rows = table.lines().filter_map(|line| line.trim().split_once(" = \""));
    names.extend(rows.filter(|(before, _)| before.contains(": ")).filter_map(|(_, rest)| word(rest)));
    assert!(names.contains("Runs") && names.contains("RequestDuration"), "{names:?}");
    names
}

fn pascal(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The letters and underscores at the beginning.
fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// What follows each `mark`.
fn words_after(text: &str, mark: &str) -> BTreeSet<String> {
    text.split(mark).skip(1).filter_map(word).collect()
}

/// Metrics of our namespace in Terraform: of searches and widgets, and of alarms, whose namespace, where they have one
/// of their own, is written above.
fn in_terraform(text: &str) -> BTreeSet<String> {
    let mut names = words_after(text, "MetricName=\\\"");
    names.extend(words_after(text, "[local.namespace, \""));
    let mut ours = true;
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        match key.trim() {
            "description" => ours = true,
            "namespace" => ours = value.trim() == "local.namespace",
            "metric" if ours => names.extend(words_after(value, "\"").into_iter().take(1)),
            _ => {}
        }
    }
    names
}

#[test]
fn grafana_shows_only_what_somebody_publishes() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("infra/dashboards/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets: Vec<_> = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten().collect();
    let expressions: Vec<&str> = targets.iter().filter_map(|target| target["expr"].as_str()).collect();
    let searches: Vec<&str> = targets.iter().filter_map(|target| target["expression"].as_str()).collect();
    assert_eq!(expressions.len() + searches.len(), targets.len());
    assert!(expressions.len() > 20, "{expressions:?}");
    let published = for_prometheus();
    for expression in expressions {
        let named = words_after(expression, "linkward_");
        assert!(!named.is_empty(), "`{expression}` names no metric of ours");
        for name in named {
            assert!(published.contains(&format!("linkward_{name}")), "`linkward_{name}` is not in docs/METRICS.md");
        }
    }
    let published = for_cloudwatch();
    let mut shown = BTreeSet::new();
    for search in searches {
        let namespace = search.split(['{', ',']).nth(1).unwrap().to_owned();
        let name = words_after(search, "MetricName=\"").pop_first().unwrap();
        match OF_AWS.iter().find(|(aws, _)| *aws == namespace) {
            Some((_, metrics)) => assert!(metrics.contains(&&*name), "{search}"),
            None => assert!(namespace == "Linkward" && published.contains(&name), "nobody publishes {search}"),
        }
        shown.insert((namespace, name));
    }
    // What AWS counts itself of load balancers and endpoint services is there whole.
    for (namespace, metrics) in
        OF_AWS.iter().filter(|(aws, _)| ["AWS/NetworkELB", "AWS/PrivateLinkServices"].contains(aws))
    {
        for metric in *metrics {
            assert!(
                shown.contains(&((*namespace).to_owned(), (*metric).to_owned())),
                "{namespace} {metric} is not shown"
            );
        }
    }
}

/// The dimensions by which each metric comes to CloudWatch, as the document says them.
fn dimensions() -> BTreeMap<String, BTreeSet<String>> {
    let document = read("docs/METRICS.md");
    let (runtime, functions) = document.split_once("<!-- end -->").unwrap();
    let mut found = BTreeMap::new();
    for (part, every) in [(runtime, "Service"), (functions, "Function")] {
        for row in part.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let named = cells[4].split(',').map(str::trim).filter(|name| !name.is_empty()).map(pascal);
            found.insert(pascal(cells[1].trim_matches('`')), named.chain([every.to_owned()]).collect());
        }
    }
    found
}

/// A search finds the metrics that have exactly its dimensions: by others it finds nothing, and says nothing.
#[test]
fn searches_ask_by_the_dimensions_that_metrics_have() {
    let dimensions = dimensions();
    let module = root().join("infra/modules/observability");
    let files = ["dashboard.tf", "widgets.tf"].map(|file| std::fs::read_to_string(module.join(file)).unwrap());
    let text = files.concat().replace("${local.namespace}", "Linkward") + &read("infra/dashboards/grafana.json");
    let mut asked = 0;
    for search in text.split("{Linkward,").skip(1) {
        let (by, rest) = search.split_once('}').unwrap();
        let name = words_after(rest.lines().next().unwrap(), "MetricName=\\\"").into_iter();
        let name = name.min_by_key(|name| rest.find(&format!("MetricName=\\\"{name}")).unwrap()).unwrap();
        let by: BTreeSet<String> = by.split(',').map(str::to_owned).collect();
        assert_eq!(Some(&by), dimensions.get(&name), "{name}");
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
}

/// The same topics on both dashboards.
#[test]
fn grafana_shows_what_cloudwatch_shows() {
    let grafana = read("infra/dashboards/grafana.json");
    let folder = root().join("infra/modules/observability");
    for file in ["dashboard.tf", "widgets.tf"] {
        for name in in_terraform(&std::fs::read_to_string(folder.join(file)).unwrap()) {
            let snake = snake(&name);
            let shown = grafana.contains(&format!("linkward_{snake}"))
                || grafana.contains(&format!("MetricName=\\\"{name}\\\""));
            assert!(shown, "`{name}` is on CloudWatch's dashboard alone");
        }
    }
}

/// `RequestDuration` as Prometheus knows it.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
fn cloudwatch_shows_and_watches_only_what_is_published() {
    let published = for_cloudwatch();
    let mut named = BTreeSet::new();
    for file in std::fs::read_dir(root().join("infra/modules/observability")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tf") {
            named.extend(in_terraform(&std::fs::read_to_string(path).unwrap()));
        }
    }
    for name in ["Runs", "OldestPendingAge", "SnapshotAge", "RequestDuration", "Connections"] {
        assert!(named.contains(name), "the test has lost sight of `{name}`: {named:?}");
    }
    let unknown: Vec<_> = named.difference(&published).collect();
    assert!(unknown.is_empty(), "nobody publishes {unknown:?}");
}

/// What AWS itself counts of load balancers, endpoint services, functions, queues and rules, as its user guides list it.
const OF_AWS: &[(&str, &[&str])] = &[
    (
        "AWS/NetworkELB",
        &[
            "ActiveFlowCount_TCP",
            "HealthyHostCount",
            "PortAllocationErrorCount",
            "RejectedFlowCount",
            "SecurityGroupBlockedFlowCount_Inbound_TCP",
            "TCP_Client_Reset_Count",
            "TCP_ELB_Reset_Count",
            "TCP_Target_Reset_Count",
            "UnHealthyHostCount",
        ],
    ),
    ("AWS/PrivateLinkServices", &["ActiveConnections", "EndpointsCount", "NewConnections", "RstPacketsSent"]),
    ("AWS/Lambda", &["AsyncEventAge", "Errors", "Invocations"]),
    ("AWS/SQS", &["ApproximateNumberOfMessagesVisible"]),
    ("AWS/Events", &["TriggeredRules"]),
];

/// The metrics of a namespace that is not ours: of alarms, whose metric is written below it, and of widgets.
fn of_namespace(text: &str, namespace: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for after in text.split(&format!("\"{namespace}\"")).skip(1) {
        let widget = after.strip_prefix(", \"").and_then(word);
        let alarm = || after.lines().take(3).find_map(|line| line.trim().strip_prefix("metric")?.split('"').nth(1));
        named.extend(widget.or_else(|| alarm().map(str::to_owned)));
    }
    named
}

#[test]
fn what_aws_counts_itself_is_shown_and_spelt_as_aws_does() {
    let folder = root().join("infra/modules/observability");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let text: String = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "tf"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    // Those of a loop over names.
    let (_, looped) = text.split_once("for metric, label in {").unwrap();
    let looped = looped.split('}').next().unwrap();
    let looped = looped.lines().filter_map(|line| word(line.trim())).collect::<BTreeSet<_>>();
    let mut shown = BTreeSet::new();
    for (namespace, metrics) in OF_AWS {
        let mut named = of_namespace(&text, namespace);
        if *namespace == "AWS/NetworkELB" {
            named.extend(looped.iter().cloned());
        }
        let known: BTreeSet<String> = metrics.iter().map(|&metric| metric.to_owned()).collect();
        assert_eq!(named, known, "{namespace}");
        shown.insert((*namespace).to_owned());
    }
    let used: BTreeSet<String> = text.split('"').filter(|part| part.starts_with("AWS/")).map(str::to_owned).collect();
    assert_eq!(used, shown, "a namespace that this test does not know");
}
