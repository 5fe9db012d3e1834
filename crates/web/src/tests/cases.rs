//! What is asked of Prometheus' API, and what Prometheus 3.5 answers. `"*"` stands for anything.

use serde_json::Value;

use super::bench::Bench;

/// A question and its answer.
pub(super) struct Case {
    /// `METHOD PATH [FORM]`; without a method, GET. `T+n` is the time of the first sample and n seconds.
    pub(super) ask: &'static str,
    pub(super) status: u16,
    pub(super) want: Want,
}

pub(super) enum Want {
    /// The data of a good answer.
    Data(&'static str),
    /// The whole of a good answer, behind its status.
    Whole(&'static str),
    /// `errorType` and `error`.
    Error(&'static str, &'static str),
}

const fn ok(ask: &'static str, data: &'static str) -> Case {
    let want = Want::Data(data);
    Case {
        ask,
        status: 200,
        want,
    }
}

const fn whole(ask: &'static str, whole: &'static str) -> Case {
    let want = Want::Whole(whole);
    Case {
        ask,
        status: 200,
        want,
    }
}

const fn bad(ask: &'static str, error: &'static str) -> Case {
    let want = Want::Error("bad_data", error);
    Case {
        ask,
        status: 400,
        want,
    }
}

const fn failed(ask: &'static str, error: &'static str) -> Case {
    let want = Want::Error("execution", error);
    Case {
        ask,
        status: 422,
        want,
    }
}

impl Case {
    /// The question with times written out.
    pub(super) fn ask(&self) -> String {
        let ask = match self.ask.starts_with('/') {
            true => format!("GET {}", self.ask),
            false => self.ask.to_owned(),
        };
        let mut pieces = ask.split("T+");
        let mut written = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let seconds: i64 = piece[..digits].parse().unwrap();
            written.push_str(&(super::bench::BEGIN + seconds).to_string());
            written.push_str(&piece[digits..]);
        }
        written
    }

    /// How an answer differs from what is wanted.
    pub(super) fn difference(&self, status: u16, answer: &Value) -> Option<String> {
        let parse = |text: &str| -> Value {
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
        };
        let wanted = match self.want {
            Want::Data(data) => serde_json::json!({ "status": "success", "data": parse(data) }),
            Want::Whole(whole) => {
                let mut whole = parse(whole);
                whole["status"] = "success".into();
                whole
            }
            Want::Error(kind, error) => {
                serde_json::json!({ "status": "error", "errorType": kind, "error": error })
            }
        };
        let same = status == self.status && is_like(&wanted, answer);
        (!same).then(|| {
            let ask = self.ask();
            format!(
                "{ask}\nanswered {status} {answer}\nwanted   {} {wanted}",
                self.status
            )
        })
    }
}

/// True when the answer is what is wanted, with `"*"` for anything.
pub(super) fn is_like(wanted: &Value, answer: &Value) -> bool {
    match (wanted, answer) {
        (Value::String(any), _) if any == "*" => true,
        (Value::Object(wanted), Value::Object(answer)) => {
            wanted.len() == answer.len()
                && wanted.iter().all(|(key, wanted)| {
                    answer
                        .get(key)
                        .is_some_and(|answer| is_like(wanted, answer))
                })
        }
        (Value::Array(wanted), Value::Array(answer)) => {
            wanted.len() == answer.len()
                && wanted
                    .iter()
                    .zip(answer)
                    .all(|(wanted, answer)| is_like(wanted, answer))
        }
        (Value::Number(wanted), Value::Number(answer)) => wanted.as_f64() == answer.as_f64(),
        _ => wanted == answer,
    }
}

/// What stands beside samples, and expressions as people read them.
const BESIDE: &[Case] = &[
    ok("/api/v1/metadata", "{}"),
    ok(
        "/api/v1/metadata?metric=up&limit=-1&limit_per_metric=0",
        "{}",
    ),
    bad("/api/v1/metadata?limit=all", "limit must be a number"),
    bad(
        "/api/v1/metadata?limit_per_metric=1.5",
        "limit_per_metric must be a number",
    ),
    ok(
        "/api/v1/query_exemplars?query=rate(sent_total[1m])&start=T+0&end=T+60",
        "[]",
    ),
    ok(
        "POST /api/v1/query_exemplars query=up&start=T+0&end=T+60",
        "[]",
    ),
    bad(
        "/api/v1/query_exemplars?query=up&start=2&end=1",
        "end timestamp must not be before start timestamp",
    ),
    bad(
        "/api/v1/query_exemplars?query=sum(",
        "1:5: parse error: unclosed left parenthesis",
    ),
    ok(
        "/api/v1/format_query?query=sum(up)by(job)/2",
        r#""sum by (job) (up) / 2""#,
    ),
    ok("POST /api/v1/format_query query=-up", r#""-up""#),
    ok(
        "/api/v1/format_query?query=label_replace(histogram_quantile(0.99,sum%20by(le)(rate(request_duration_seconds_bucket[5m]))),%22a%22,%22$1%22,%22b%22,%22(.*)%22)",
        r#""label_replace(\n  histogram_quantile(0.99, sum by (le) (rate(request_duration_seconds_bucket[5m]))),\n  \"a\",\n  \"$1\",\n  \"b\",\n  \"(.*)\"\n)""#,
    ),
    bad(
        "/api/v1/format_query?query=up%2F",
        "invalid parameter \"query\": 1:4: parse error: unexpected end of input",
    ),
    ok(
        "/api/v1/parse_query?query=sum%20by%20(job)%20(rate(up%7Bjob=%22chat%22,x!~%22a|b%22%7D%5B5m%5D%20offset%20-1m%20@%20end()))",
        r#"{"expr":{"args":[{"matchers":[{"name":"job","type":"=","value":"chat"},{"name":"x","type":"!~","value":"a|b"},{"name":"__name__","type":"=","value":"up"}],"name":"up","offset":-60000,"range":300000,"startOrEnd":"end","timestamp":null,"type":"matrixSelector"}],"func":{"argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0},"type":"call"},"grouping":["job"],"op":"sum","param":null,"type":"aggregation","without":false}"#,
    ),
    ok(
        "/api/v1/parse_query?query=topk(5,%20a%20*%20on%20(x)%20group_left%20(y)%20b%20%3E%20bool%203)",
        r#"{"expr":{"bool":true,"lhs":{"bool":false,"lhs":{"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"a","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"matching":{"card":"many-to-one","include":["y"],"labels":["x"],"on":true},"op":"*","rhs":{"matchers":[{"name":"__name__","type":"=","value":"b"}],"name":"b","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"type":"binaryExpr"},"matching":null,"op":">","rhs":{"type":"numberLiteral","val":"3"},"type":"binaryExpr"},"grouping":[],"op":"topk","param":{"type":"numberLiteral","val":"5"},"type":"aggregation","without":false}"#,
    ),
    ok(
        "/api/v1/parse_query?query=max_over_time((1%20-%20(x%20@%2010.5))%5B1h:30s%5D%20offset%205m)%20and%20ignoring%20(z)%20count_values%20without%20(q)%20(%22v%22,%20%7B__name__=%22a%20b%22%7D)",
        r#"{"bool":false,"lhs":{"args":[{"expr":{"expr":{"bool":false,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,"op":"-","rhs":{"expr":{"matchers":[{"name":"__name__","type":"=","value":"x"}],"name":"x","offset":0,"startOrEnd":null,"timestamp":10500,"type":"vectorSelector"},"type":"parenExpr"},"type":"binaryExpr"},"type":"parenExpr"},"offset":300000,"range":3600000,"startOrEnd":null,"step":30000,"timestamp":null,"type":"subquery"}],"func":{"argTypes":["matrix"],"name":"max_over_time","returnType":"vector","variadic":0},"type":"call"},"matching":{"card":"many-to-many","include":[],"labels":["z"],"on":false},"op":"and","rhs":{"expr":{"matchers":[{"name":"__name__","type":"=","value":"a b"}],"name":"","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"grouping":["q"],"op":"count_values","param":{"type":"stringLiteral","val":"v"},"type":"aggregation","without":true},"type":"binaryExpr"}"#,
    ),
    ok(
        "/api/v1/parse_query?query=-5m%20%2B%20time()%20*%20%2BInf",
        r#"{"bool":false,"lhs":{"type":"numberLiteral","val":"-300"},"matching":null,"op":"+","rhs":{"bool":false,"lhs":{"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar","variadic":0},"type":"call"},"matching":null,"op":"*","rhs":{"type":"numberLiteral","val":"+Inf"},"type":"binaryExpr"},"type":"binaryExpr"}"#,
    ),
    ok(
        "/api/v1/parse_query?query=label_join(up,%20%22a%22,%20%22b%22,%20%22c%22)%20or%20vector(1e21)%20unless%20hour()",
        r#"{"bool":false,"lhs":{"args":[{"matchers":[{"name":"__name__","type":"=","value":"up"}],"name":"up","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},{"type":"stringLiteral","val":"a"},{"type":"stringLiteral","val":"b"},{"type":"stringLiteral","val":"c"}],"func":{"argTypes":["vector","string","string","string"],"name":"label_join","returnType":"vector","variadic":-1},"type":"call"},"matching":{"card":"many-to-many","include":[],"labels":[],"on":false},"op":"or","rhs":{"bool":false,"lhs":{"args":[{"type":"numberLiteral","val":"1000000000000000000000"}],"func":{"argTypes":["scalar"],"name":"vector","returnType":"vector","variadic":0},"type":"call"},"matching":{"card":"many-to-many","include":[],"labels":[],"on":false},"op":"unless","rhs":{"args":[],"func":{"argTypes":["vector"],"name":"hour","returnType":"vector","variadic":1},"type":"call"},"type":"binaryExpr"},"type":"binaryExpr"}"#,
    ),
    ok(
        "/api/v1/parse_query?query=%22te%5C%22xt%22",
        r#"{"type":"stringLiteral","val":"te\"xt"}"#,
    ),
    ok(
        "/api/v1/parse_query?query=round(x,%205)%20==%20NaN",
        r#"{"bool":false,"lhs":{"args":[{"matchers":[{"name":"__name__","type":"=","value":"x"}],"name":"x","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},{"type":"numberLiteral","val":"5"}],"func":{"argTypes":["vector","scalar"],"name":"round","returnType":"vector","variadic":1},"type":"call"},"matching":null,"op":"==","rhs":{"type":"numberLiteral","val":"NaN"},"type":"binaryExpr"}"#,
    ),
    ok(
        "/api/v1/parse_query?query=rate(x%5B5m:%5D)",
        r#"{"args":[{"expr":{"matchers":[{"name":"__name__","type":"=","value":"x"}],"name":"x","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"offset":0,"range":300000,"startOrEnd":null,"step":0,"timestamp":null,"type":"subquery"}],"func":{"argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0},"type":"call"}"#,
    ),
    ok(
        "/api/v1/parse_query?query=%7B%22foo.bar%22,%20a=%221%22%7D",
        r#"{"matchers":[{"name":"__name__","type":"=","value":"foo.bar"},{"name":"a","type":"=","value":"1"}],"name":"","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"}"#,
    ),
    ok(
        "/api/v1/format_query?query=%7Bb=%221%22,%22up%22,a=%222%22%7D",
        r#""{__name__=\"up\",a=\"2\",b=\"1\"}""#,
    ),
    ok(
        "/api/v1/parse_query?query=1%20%2B%202%20*%20x%20-%203",
        r#"{"bool":false,"lhs":{"bool":false,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,"op":"+","rhs":{"bool":false,"lhs":{"type":"numberLiteral","val":"2"},"matching":null,"op":"*","rhs":{"matchers":[{"name":"__name__","type":"=","value":"x"}],"name":"x","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"type":"binaryExpr"},"type":"binaryExpr"},"matching":null,"op":"-","rhs":{"type":"numberLiteral","val":"3"},"type":"binaryExpr"}"#,
    ),
    bad(
        "/api/v1/parse_query?query=x%7B",
        "invalid parameter \"query\": 1:3: parse error: unexpected end of input inside braces",
    ),
    bad(
        "POST /api/v1/parse_query query=",
        "invalid parameter \"query\": unknown position: parse error: no expression found in input",
    ),
    ok(
        "/api/v1/scrape_pools",
        r#"{"scrapePools":["chat","dropping"]}"#,
    ),
    ok(
        "/api/v1/alertmanagers",
        r#"{"activeAlertmanagers":[{"url":"http://127.0.0.1:9/am/api/v2/alerts"}],"droppedAlertmanagers":[]}"#,
    ),
    ok("/api/v1/notifications", "[]"),
    ok(
        "/api/v1/status/walreplay",
        r#"{"min":0,"max":"*","current":"*"}"#,
    ),
];

/// Good queries.
const QUERIES: &[Case] = &[
    ok(
        "/api/v1/query?query=1&time=1435781430.781",
        r#"{"resultType":"scalar","result":[1435781430.781,"1"]}"#,
    ),
    ok(
        "/api/v1/query?query=1&time=2015-07-01T20:10:30.781Z",
        r#"{"resultType":"scalar","result":[1435781430.781,"1"]}"#,
    ),
    ok(
        "/api/v1/query?query=%22a%22&time=0",
        r#"{"resultType":"string","result":[0,"a"]}"#,
    ),
    ok(
        "/api/v1/query?query=up&time=T+30",
        r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"chat"},"value":[1700000030,"1"]}]}"#,
    ),
    ok(
        "/api/v1/query?query=up[20s]&time=T+30",
        r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"chat"},"values":[[1700000015,"1"],[1700000030,"1"]]}]}"#,
    ),
    ok(
        "/api/v1/query?query=nothing&time=T+30",
        r#"{"resultType":"vector","result":[]}"#,
    ),
    // The form goes before the URL, and both are read.
    ok(
        "POST /api/v1/query query=1&time=1",
        r#"{"resultType":"scalar","result":[1,"1"]}"#,
    ),
    ok(
        "POST /api/v1/query?query=2&time=5 query=1",
        r#"{"resultType":"scalar","result":[5,"1"]}"#,
    ),
    ok(
        "POST /api/v1/query?query=2&time=5",
        r#"{"resultType":"scalar","result":[5,"2"]}"#,
    ),
    ok(
        "/api/v1/query_range?query=sum(sent_total)&start=T+0&end=T+30&step=15",
        r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1700000000,"0"],[1700000015,"31.5"],[1700000030,"63"]]}]}"#,
    ),
    ok(
        "POST /api/v1/query_range query=1&start=0&end=1&step=500ms",
        r#"{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[0.5,"1"],[1,"1"]]}]}"#,
    ),
    ok(
        "/api/v1/query_range?query=up&start=0&end=11000&step=1",
        r#"{"resultType":"matrix","result":[]}"#,
    ),
    // How old a sample may be. Zero and less mean the usual five minutes.
    ok(
        "/api/v1/query?query=count(up)&time=T+310&lookback_delta=5",
        r#"{"resultType":"vector","result":[]}"#,
    ),
    ok(
        "/api/v1/query?query=count(up)&time=T+310&lookback_delta=11s",
        r#"{"resultType":"vector","result":[{"metric":{},"value":[1700000310,"1"]}]}"#,
    ),
    ok(
        "/api/v1/query?query=count(up)&time=T+310&lookback_delta=0",
        r#"{"resultType":"vector","result":[{"metric":{},"value":[1700000310,"1"]}]}"#,
    ),
    ok(
        "/api/v1/query?query=count(up)&time=T+310&lookback_delta=-5",
        r#"{"resultType":"vector","result":[{"metric":{},"value":[1700000310,"1"]}]}"#,
    ),
    ok(
        "/api/v1/query_range?query=count(up)&start=T+310&end=T+310&step=1&lookback_delta=5",
        r#"{"resultType":"matrix","result":[]}"#,
    ),
    whole(
        "/api/v1/query?query=sent_total&time=T+15&limit=1",
        r#"{"data":{"resultType":"vector","result":[{"metric":{"__name__":"sent_total","job":"chat","path":"/"},"value":[1700000015,"30"]}]},"warnings":["results truncated due to limit"]}"#,
    ),
    whole(
        "/api/v1/query_range?query=sent_total&start=T+15&end=T+15&step=1&limit=1",
        r#"{"data":{"resultType":"matrix","result":[{"metric":{"__name__":"sent_total","job":"chat","path":"/"},"values":[[1700000015,"30"]]}]},"warnings":["results truncated due to limit"]}"#,
    ),
    ok(
        "/api/v1/query?query=count(sent_total)&time=T+15&limit=1",
        r#"{"resultType":"vector","result":[{"metric":{},"value":[1700000015,"2"]}]}"#,
    ),
    whole(
        "/api/v1/query?query=quantile(2,up)&time=T+30",
        r#"{"data":{"resultType":"vector","result":[{"metric":{},"value":[1700000030,"+Inf"]}]},"warnings":["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"]}"#,
    ),
    whole(
        "/api/v1/query?query=rate(up[1m])&time=T+60",
        r#"{"data":{"resultType":"vector","result":[{"metric":{"job":"chat"},"value":[1700000060,"0"]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"up\" (1:6)"]}"#,
    ),
];

/// Queries that are wrong.
const MISTAKES: &[Case] = &[
    bad(
        "/api/v1/query",
        r#"invalid parameter "query": unknown position: parse error: no expression found in input"#,
    ),
    bad(
        "/api/v1/query?query=up%20up",
        r#"invalid parameter "query": 1:4: parse error: unexpected identifier "up""#,
    ),
    bad(
        "/api/v1/query?query=1&time=soon",
        r#"invalid parameter "time": invalid time value for 'time': cannot parse "soon" to a valid timestamp"#,
    ),
    bad(
        "/api/v1/query?query=1&timeout=x",
        r#"invalid parameter "timeout": cannot parse "x" to a valid duration"#,
    ),
    bad(
        "/api/v1/query?query=1&limit=-1",
        r#"invalid parameter "limit": limit must be non-negative"#,
    ),
    bad(
        "/api/v1/query?query=1&lookback_delta=x",
        r#"error parsing lookback delta duration: cannot parse "x" to a valid duration"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=1&end=0&step=1",
        r#"invalid parameter "end": end timestamp must not be before start time"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=x&end=0&step=1",
        r#"invalid parameter "start": cannot parse "x" to a valid timestamp"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=0&end=x&step=1",
        r#"invalid parameter "end": cannot parse "x" to a valid timestamp"#,
    ),
    bad(
        "/api/v1/query_range?query=up&end=1&step=1",
        r#"invalid parameter "start": cannot parse "" to a valid timestamp"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=0&end=1",
        r#"invalid parameter "step": cannot parse "" to a valid duration"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=0&end=1&step=x",
        r#"invalid parameter "step": cannot parse "x" to a valid duration"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=0&end=1&step=0",
        r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=0&end=1&step=-1",
        r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
    ),
    bad(
        "/api/v1/query_range?query=up&start=0&end=11001&step=1",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    ),
    bad(
        "/api/v1/query_range?query=up[1m]&start=0&end=1&step=1",
        r#"invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector"#,
    ),
    bad(
        "/api/v1/query_range?query=up{&start=0&end=1&step=1",
        r#"invalid parameter "query": 1:4: parse error: unexpected end of input inside braces"#,
    ),
    failed(
        "/api/v1/query?query=label_replace(up,%22%22,%22%22,%22%22,%22%22)&time=T+30",
        "invalid destination label name in label_replace(): ",
    ),
];

/// Labels and series.
const SERIES: &[Case] = &[
    ok(
        "/api/v1/labels?match[]=sent_total",
        r#"["__name__","job","path"]"#,
    ),
    ok("POST /api/v1/labels match[]=up", r#"["__name__","job"]"#),
    ok("/api/v1/labels?match[]=nothing", "[]"),
    ok("/api/v1/labels?match[]=up&start=T+1000&end=T+2000", "[]"),
    ok("/api/v1/labels?start=5&end=1", "[]"),
    whole(
        "/api/v1/labels?match[]=up&limit=1",
        r#"{"data":["__name__"],"warnings":["results truncated due to limit"]}"#,
    ),
    bad(
        "/api/v1/labels?match[]={}",
        "match[] must contain at least one non-empty matcher",
    ),
    bad(
        "/api/v1/labels?match[]=up{",
        "1:4: parse error: unexpected end of input inside braces",
    ),
    bad(
        "/api/v1/labels?start=x",
        r#"invalid parameter "start": invalid time value for 'start': cannot parse "x" to a valid timestamp"#,
    ),
    bad(
        "/api/v1/labels?end=x",
        r#"invalid parameter "end": invalid time value for 'end': cannot parse "x" to a valid timestamp"#,
    ),
    bad(
        "/api/v1/labels?limit=-1",
        r#"invalid parameter "limit": limit must be non-negative"#,
    ),
    ok("/api/v1/label/path/values", r#"["/","/a"]"#),
    ok("/api/v1/label/path/values?match[]=up", "[]"),
    ok("/api/v1/label/U__path/values", r#"["/","/a"]"#),
    ok("/api/v1/label/a-b/values", "[]"),
    whole(
        "/api/v1/label/path/values?limit=1",
        r#"{"data":["/"],"warnings":["results truncated due to limit"]}"#,
    ),
    ok(
        "/api/v1/series?match[]=up",
        r#"[{"__name__":"up","job":"chat"}]"#,
    ),
    ok(
        "POST /api/v1/series match[]=sent_total{path=\"/a\"}&match[]=up&match[]=up",
        r#"[{"__name__":"sent_total","job":"chat","path":"/a"},{"__name__":"up","job":"chat"}]"#,
    ),
    whole(
        "/api/v1/series?match[]=up&match[]=sent_total&limit=1",
        r#"{"data":[{"__name__":"sent_total","job":"chat","path":"/"}],"warnings":["results truncated due to limit"]}"#,
    ),
    ok("/api/v1/series?match[]=up&start=9&end=1", "[]"),
    bad("/api/v1/series", "no match[] parameter provided"),
    bad(
        "/api/v1/series?match[]={}",
        r#"invalid parameter "match[]": match[] must contain at least one non-empty matcher"#,
    ),
];

/// A rule of [`RULES`](super::bench::RULES).
const RECORDING: &str = r#"{"name":"r:one","query":"vector(1)","health":"ok","evaluationTime":"*","lastEvaluation":"*","type":"recording"}"#;

/// Targets, rules and alerts.
const STATES: &[Case] = &[
    ok(
        "/api/v1/targets?state=active",
        r#"{"activeTargets":[{"discoveredLabels":{"__address__":"127.0.0.1:1","__metrics_path__":"/metrics","__scheme__":"http","__scrape_interval__":"1d","__scrape_timeout__":"10s","job":"chat","site":"a"},
            "labels":{"instance":"127.0.0.1:1","job":"chat","site":"a"},"scrapePool":"chat","scrapeUrl":"http://127.0.0.1:1/metrics","globalUrl":"http://stonechat.example:1/metrics",
            "lastError":"*","lastScrape":"*","lastScrapeDuration":"*","health":"*","scrapeInterval":"1d","scrapeTimeout":"10s"}],"droppedTargets":[],"droppedTargetCounts":null}"#,
    ),
    ok(
        "/api/v1/targets?state=dropped",
        r#"{"activeTargets":[],"droppedTargets":[{"discoveredLabels":{"__address__":"127.0.0.1:2","__metrics_path__":"/metrics","__scheme__":"http","__scrape_interval__":"1d","__scrape_timeout__":"10s","job":"dropping"},"scrapePool":"dropping"}],"droppedTargetCounts":{"chat":0,"dropping":1}}"#,
    ),
    ok(
        "/api/v1/targets?scrapePool=none",
        r#"{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{"chat":0,"dropping":1}}"#,
    ),
    ok(
        "/api/v1/targets?state=odd",
        r#"{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null}"#,
    ),
    ok(
        "/api/v1/rules?type=alert",
        r#"{"groups":[
            {"name":"first","file":"rules.yml","interval":"*","limit":0,"evaluationTime":"*","lastEvaluation":"*","rules":[
                {"state":"firing","name":"Always","query":"vector(1.5) > 1","duration":0,"keepFiringFor":0,"labels":{"severity":"page"},"annotations":{"summary":"{{ $value }}"},"health":"ok","evaluationTime":"*","lastEvaluation":"*","type":"alerting",
                 "alerts":[{"labels":{"alertname":"Always","severity":"page"},"annotations":{"summary":"1.5"},"state":"firing","activeAt":"*","value":"1.5e+00"}]}]},
            {"name":"second","file":"rules.yml","interval":60,"limit":5,"evaluationTime":"*","lastEvaluation":"*","rules":[
                {"state":"*","name":"Never","query":"vector(1) > 1","duration":120,"keepFiringFor":60,"labels":{},"annotations":{},"alerts":[],"health":"*","evaluationTime":"*","lastEvaluation":"*","type":"alerting"}]}]}"#,
    ),
    ok(
        "/api/v1/rules?exclude_alerts=T&rule_name[]=Never",
        r#"{"groups":[{"name":"second","file":"rules.yml","interval":60,"limit":5,"evaluationTime":"*","lastEvaluation":"*","rules":[
                {"state":"*","name":"Never","query":"vector(1) > 1","duration":120,"keepFiringFor":60,"labels":{},"annotations":{},"alerts":null,"health":"*","evaluationTime":"*","lastEvaluation":"*","type":"alerting"}]}]}"#,
    ),
    ok(
        "/api/v1/rules?rule_name[]=Never&rule_group[]=first",
        r#"{"groups":[]}"#,
    ),
    ok("/api/v1/rules?file[]=other.yml", r#"{"groups":[]}"#),
    ok(
        "/api/v1/rules?match[]={severity=%22mail%22}",
        r#"{"groups":[]}"#,
    ),
    bad(
        "/api/v1/rules?match[]={}",
        "match[] must contain at least one non-empty matcher",
    ),
    bad(
        "/api/v1/rules?type=foo",
        r#"invalid parameter "type": not supported value "foo""#,
    ),
    bad(
        "/api/v1/rules?group_next_token=x",
        r#"invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups"#,
    ),
    bad(
        "/api/v1/rules?group_next_token=x&group_limit=1",
        r#"invalid parameter "group_next_token": invalid group_next_token 'x'. were rule groups changed?"#,
    ),
    bad(
        "/api/v1/rules?group_limit=-1",
        r#"invalid parameter "group_limit": group_limit needs to be greater than 0"#,
    ),
    ok(
        "/api/v1/alerts",
        r#"{"alerts":[{"labels":{"alertname":"Always","severity":"page"},"annotations":{"summary":"1.5"},"state":"firing","activeAt":"*","value":"1.5e+00"}]}"#,
    ),
];

/// Everything that Prometheus is asked too.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    [QUERIES, MISTAKES, SERIES, STATES, BESIDE]
        .into_iter()
        .flatten()
}

#[tokio::test]
async fn answers_are_what_they_should_be() {
    let bench = Bench::new().await;
    let mut differences = Vec::new();
    for case in all() {
        let answer = bench.ask(&case.ask()).await;
        assert_eq!(answer.header("content-type"), "application/json");
        differences.extend(case.difference(answer.status, &answer.json()));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// As Prometheus does; an empty list would say that there are none.
#[tokio::test]
async fn exemplars_of_no_series_are_no_content() {
    let bench = Bench::new().await;
    let answer = bench.ask("GET /api/v1/query_exemplars?query=1").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
}

#[tokio::test]
async fn rules_are_chosen_by_their_labels_and_shown_page_by_page() {
    let bench = Bench::new().await;
    let names = |answer: &Value| -> Vec<String> {
        let groups = answer["data"]["groups"].as_array().unwrap();
        groups
            .iter()
            .map(|group| group["name"].to_string())
            .collect()
    };
    let by_label = bench
        .ask("GET /api/v1/rules?match[]={severity=~%22p.*%22}")
        .await
        .json();
    assert_eq!(by_label["data"]["groups"][0]["rules"][0]["name"], "Always");
    assert_eq!(names(&by_label), [r#""first""#]);
    let recording = bench.ask("GET /api/v1/rules?type=record").await.json();
    let recording = &recording["data"]["groups"][0]["rules"][0];
    assert!(
        is_like(&serde_json::from_str(RECORDING).unwrap(), recording),
        "{recording}"
    );

    let page = bench.ask("GET /api/v1/rules?group_limit=1").await.json();
    assert_eq!(names(&page), [r#""first""#]);
    let token = page["data"]["groupNextToken"].as_str().unwrap();
    let ask = format!("GET /api/v1/rules?group_limit=1&group_next_token={token}");
    let page = bench.ask(&ask).await.json();
    assert_eq!(names(&page), [r#""second""#]);
    assert_eq!(page["data"].get("groupNextToken"), None);
}
