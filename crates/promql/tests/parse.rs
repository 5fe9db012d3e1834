//! What is an expression, what is not, and what is said about it.

use proptest::prelude::*;
use stonechat_promql::{DEPTH_MAX, parse};

/// Parses, and checks that the tree prints as `printed` and parses back.
#[track_caller]
fn check(text: &str, printed: &str) {
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(expr.to_string(), printed, "{text}");
    assert_eq!(parse(printed).as_ref(), Ok(&expr), "{text}");
}

#[track_caller]
fn refuse(text: &str, message: &str) {
    match parse(text) {
        Ok(expr) => panic!("{text} was read as {expr}"),
        Err(error) => assert_eq!(error.to_string(), message, "{text}"),
    }
}

#[test]
fn numbers() {
    for (text, printed) in [
        ("1", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("- -1", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("5e3", "5000"),
        ("0x1f", "31"),
        ("1_000_000", "1000000"),
        ("010", "8"),
        ("inf", "+Inf"),
        ("-Inf", "-Inf"),
        ("nAn", "NaN"),
        ("5m", "5m"),
        ("-1h30m", "-1h30m"),
        ("100ms", "100ms"),
    ] {
        check(text, printed);
    }
}

#[test]
fn operators_bind_as_in_prometheus() {
    // Parentheses of the second text show how the first is read.
    for (plain, explicit) in [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a ^ b ^ c", "a ^ (b ^ c)"),
        ("-a ^ b", "-(a ^ b)"),
        ("-a * b", "(-a) * b"),
        ("a ^ -b * c", "(a ^ (-b)) * c"),
        ("a or b and c", "a or (b and c)"),
        ("a and b unless c", "(a and b) unless c"),
        ("a == b + c", "a == (b + c)"),
        ("a < b == c", "(a < b) == c"),
        ("a * b atan2 c", "(a * b) atan2 c"),
        ("a % b / c", "(a % b) / c"),
        ("- - a", "-(-a)"),
    ] {
        let strip = |text: &str| {
            fn plain(expr: &mut stonechat_promql::Expr) {
                while let stonechat_promql::ast::ExprKind::Paren(inner) = &mut expr.kind {
                    let inner = std::mem::replace(&mut **inner, parse("0").unwrap());
                    *expr = inner;
                }
                expr.children_mut().into_iter().for_each(plain);
            }
            let mut expr = parse(text).unwrap();
            plain(&mut expr);
            expr
        };
        assert_eq!(strip(plain), strip(explicit), "{plain}");
    }
}

#[test]
fn selectors() {
    for (text, printed) in [
        ("up", "up"),
        ("up{}", "up"),
        ("a:b:c", "a:b:c"),
        (
            r#"up{job="a",le!='b',x=~`c.*`,y!~"d",}"#,
            r#"up{job="a",le!="b",x=~"c.*",y!~"d"}"#,
        ),
        (r#"{__name__="up"}"#, r#"{__name__="up"}"#),
        (
            r#"{"größe.m", "label x"="1"}"#,
            r#"{"label x"="1",__name__="größe.m"}"#,
        ),
        (r#"{"up", job="x"}"#, r#"{__name__="up",job="x"}"#),
        (r#"{"nan"}"#, r#"{__name__="nan"}"#),
        (r#"up{b="1",a="2"}"#, r#"up{a="2",b="1"}"#),
        (r#"{b="1","a"}"#, r#"{__name__="a",b="1"}"#),
        ("sum", "sum"),
        ("sum{by='on'}", r#"sum{by="on"}"#),
        ("offset + by", "offset + by"),
        ("start + end", "start + end"),
        ("up[5m]", "up[5m]"),
        ("up[300]", "up[5m]"),
        ("up offset 5m", "up offset 5m"),
        ("up offset -1h30m", "up offset -1h30m"),
        (
            "up[5m] offset 1w @ 1609746000",
            "up[5m] @ 1609746000.000 offset 1w",
        ),
        ("up @ start()", "up @ start()"),
        ("up @ -1.5", "up @ -1.500"),
        ("up @ end () offset 5", "up @ end() offset 5s"),
        ("rate(x[5m])[1h:1m]", "rate(x[5m])[1h:1m]"),
        ("up[1h:] @ end() offset -1m", "up[1h:] @ end() offset -1m"),
        ("x[5m * 2]", "x[5m * 2]"),
        ("x[step() + 1ms]", "x[step() + 1ms]"),
        ("x offset -(1m + 30s)", "x offset -(1m + 30s)"),
        ("x offset 100 + 2", "x offset 1m40s + 2"),
        ("x offset STEP()", "x offset step()"),
        ("increase(x[1m] anchored)", "increase(x[1m] anchored)"),
        ("x smoothed", "x smoothed"),
    ] {
        check(text, printed);
    }
}

#[test]
fn aggregations_and_operators_with_modifiers() {
    for (text, printed) in [
        ("sum(x)", "sum(x)"),
        ("SUM BY (job, \"a b\") (x)", "sum by (job, \"a b\") (x)"),
        ("sum(x) by (job,)", "sum by (job) (x)"),
        ("sum by () (x)", "sum(x)"),
        ("max without () (x)", "max without () (x)"),
        ("topk by (on, bool) (5, x)", "topk by (on, bool) (5, x)"),
        ("count_values(\"v\", x)", "count_values(\"v\", x)"),
        ("limitk(2, x)", "limitk(2, x)"),
        ("limit_ratio(-0.5, x)", "limit_ratio(-0.5, x)"),
        ("a == bool b", "a == bool b"),
        ("a + on (x, y) b", "a + on (x, y) b"),
        ("a + ignoring () b", "a + b"),
        ("a + on() b", "a + on () b"),
        ("a * on(x) group_left b", "a * on (x) group_left () b"),
        (
            "a * ignoring() group_left b",
            "a * ignoring () group_left () b",
        ),
        (
            "a > bool ignoring(x) group_right(y, z) b",
            "a > bool ignoring (x) group_right (y, z) b",
        ),
        ("a and on (x) b", "a and on (x) b"),
        ("a + fill(0) b", "a + fill (0) b"),
        (
            "a + on (x) fill_left(-1) fill_right(Inf) b",
            "a + on (x) fill_left (-1) fill_right (+Inf) b",
        ),
        ("a + fill", "a + fill"),
        ("sum by (a:b, on) (c)", "sum by (\"a:b\", on) (c)"),
        ("infinity", "infinity"),
        ("a </ 5 # comment", "a </ 5"),
        ("round(x)", "round(x)"),
        ("round(x, 0.1)", "round(x, 0.1)"),
        ("label_join(x, \"d\", \"-\")", "label_join(x, \"d\", \"-\")"),
        ("time() - start()", "time() - start()"),
        ("\"a\\n\\x00\u{e9}\"", "\"a\\n\\x00\u{e9}\""),
        ("( 1 )", "(1)"),
    ] {
        check(text, printed);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_of_form() {
    for (text, message) in [
        (
            "",
            "unknown position: parse error: no expression found in input",
        ),
        ("# only", "1:1: parse error: no expression found in input"),
        ("1+", "1:3: parse error: unexpected end of input"),
        ("1 1", "1:3: parse error: unexpected number \"1\""),
        ("a b", "1:3: parse error: unexpected identifier \"b\""),
        ("a by", "1:3: parse error: unexpected <by>"),
        ("*a", "1:1: parse error: unexpected <op:*>"),
        ("(1", "1:3: parse error: unclosed left parenthesis"),
        ("1)", "1:2: parse error: unexpected right parenthesis ')'"),
        (
            "a{",
            "1:3: parse error: unexpected end of input inside braces",
        ),
        ("a[5m", "1:5: parse error: unclosed left bracket"),
        (
            "a{b}",
            "1:4: parse error: unexpected \"}\" in label matching, expected label matching operator",
        ),
        (
            "a{b=1}",
            "1:5: parse error: unexpected character inside braces: '1'",
        ),
        (
            "a{b=c}",
            "1:5: parse error: unexpected identifier \"c\" in label matching, expected string",
        ),
        (
            "a{,}",
            "1:3: parse error: unexpected \",\" in label matching, expected identifier or \"}\"",
        ),
        (
            "a{b=\"c\" d=\"e\"}",
            "1:9: parse error: unexpected identifier \"d\" in label matching, expected \",\" or \"}\"",
        ),
        (
            "a{b=~\"(\"}",
            "1:3: parse error: invalid regular expression \"(\": unclosed group",
        ),
        ("\"abc", "1:1: parse error: unterminated quoted string"),
        (
            "1d2x",
            "1:1: parse error: bad number or duration syntax: \"1d2x\"",
        ),
        (
            "a ! b",
            "1:3: parse error: unexpected character after '!': ' '",
        ),
        ("a $ b", "1:3: parse error: unexpected character: '$'"),
        ("a\n  + §", "2:5: parse error: unexpected character: '§'"),
        (
            "sum(a) by b",
            "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \"(\"",
        ),
        (
            "sum by (1) (a)",
            "1:9: parse error: unexpected number \"1\" in grouping opts, expected label",
        ),
        (
            "sum by (a b) (c)",
            "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\"",
        ),
        (
            "sum()",
            "1:1: parse error: no arguments for aggregate expression provided",
        ),
        (
            "topk(x)",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
        ),
        (
            "abs(a,)",
            "1:6: parse error: trailing commas not allowed in function call args",
        ),
        (
            "foo(a)",
            "1:1: parse error: unknown function with name \"foo\"",
        ),
        (
            "Rate(a[5m])",
            "1:1: parse error: unknown function with name \"Rate\"",
        ),
        (
            "a offset",
            "1:9: parse error: unexpected end of input in offset, expected number, duration, step(), or range()",
        ),
        (
            "a offset 1m offset 1m",
            "1:1: parse error: offset may not be set multiple times",
        ),
        (
            "1 offset 1m",
            "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
        ),
        (
            "a @ b",
            "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp",
        ),
        (
            "a @ 1 @ 2",
            "1:1: parse error: @ <timestamp> may not be set multiple times",
        ),
        (
            "a @ Inf",
            "1:1: parse error: timestamp out of bounds for @ modifier: +Inf",
        ),
        ("a[0s]", "1:3: parse error: duration must be greater than 0"),
        (
            "a[-5m]",
            "1:3: parse error: duration must be greater than 0",
        ),
        (
            "a[x]",
            "1:3: parse error: unexpected identifier \"x\" in subquery or range selector, expected number, duration, step(), or range()",
        ),
        ("a[5m:1m:]", "1:8: parse error: unexpected colon ':'"),
        (
            "a offset 1m[5m]",
            "1:12: parse error: no offset modifiers allowed before range",
        ),
        (
            "(a)[5m]",
            "1:4: parse error: ranges only allowed for vector selectors",
        ),
        (
            "a + fill(b) c",
            "1:10: parse error: unexpected identifier \"b\" in fill, expected number",
        ),
        (
            "a anchored",
            "1:1: parse error: anchored modifier must be preceded by a range vector selector",
        ),
    ] {
        refuse(text, message);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_of_type() {
    for (text, message) in [
        (
            "rate(a)",
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
        ),
        (
            "abs(a[5m])",
            "1:5: parse error: expected type instant vector in call to function \"abs\", got range vector",
        ),
        (
            "sum(1)",
            "1:5: parse error: expected type instant vector in aggregation expression, got scalar",
        ),
        (
            "topk(\"a\", b)",
            "1:6: parse error: expected type scalar in aggregation parameter, got string",
        ),
        (
            "count_values(1, b)",
            "1:14: parse error: expected type string in aggregation parameter, got scalar",
        ),
        (
            "abs()",
            "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0",
        ),
        (
            "round()",
            "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0",
        ),
        (
            "round(a, 1, 2)",
            "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3",
        ),
        (
            "1 == 1",
            "1:3: parse error: comparisons between scalars must use BOOL modifier",
        ),
        (
            "a + bool b",
            "1:3: parse error: bool modifier can only be used on comparison operators",
        ),
        (
            "1 and a",
            "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
        ),
        (
            "a and on(b) group_left c",
            "1:1: parse error: no grouping allowed for \"and\" operation",
        ),
        (
            "a + on(b) 1",
            "1:1: parse error: vector matching only allowed between instant vectors",
        ),
        (
            "a + on(b) group_left(b) c",
            "1:3: parse error: label \"b\" must not occur in ON and GROUP clause at once",
        ),
        (
            "a[5m] + 1",
            "1:1: parse error: binary expression must contain only scalar and instant vector types",
        ),
        (
            "-a[5m]",
            "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\"",
        ),
        (
            "1[5m:1m]",
            "1:1: parse error: subquery is only allowed on instant vector, got scalar instead",
        ),
        (
            "{}",
            "1:1: parse error: vector selector must contain at least one non-empty matcher",
        ),
        (
            "{a=~\".*\"}",
            "1:1: parse error: vector selector must contain at least one non-empty matcher",
        ),
        (
            "a{__name__=\"b\"}",
            "1:1: parse error: metric name must not be set twice: \"a\" or \"b\"",
        ),
        (
            "a or fill(1) b",
            "1:1: parse error: filling in missing series not allowed for set operators",
        ),
    ] {
        refuse(text, message);
    }
}

/// Whatever the construct, the levels of the tree are counted, and not only those of the parser's own recursion.
#[test]
fn deep_nesting_is_refused_and_the_deepest_tree_can_be_walked() {
    let wrap = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let chain = |links: usize| format!("a{}", " + a".repeat(links));
    for text in [
        wrap("(", "a", ")", 100_000),
        wrap("-", "a", "", 100_000),
        wrap("abs(", "a", ")", 100_000),
        wrap("a ^ ", "a", "", 100_000),
        wrap("sum(", "a", ")", 100_000),
        wrap("", "a", "[1h:1m]", 100_000),
        format!("a[{}]", wrap("(", "1", ")", 100_000)),
        wrap("(", "a", &format!("){}", &chain(100)[1..]), 60),
        wrap("a + (", "a", ")", 60),
    ] {
        let error = parse(&text).expect_err("too deep").to_string();
        assert!(error.contains("nested more than"), "{error}");
    }
    for text in [
        wrap("(", "a", ")", DEPTH_MAX - 1),
        wrap("abs(", "a", ")", DEPTH_MAX - 1),
        wrap("(", "a", &format!("){}", &chain(100)[1..]), 49),
    ] {
        let expr = parse(&text).expect("just deep enough");
        assert_eq!(parse(&expr.to_string()), Ok(expr.clone()));
    }
}

/// On a thread with little room, so that whoever calls itself from operator to operator would be noticed.
#[test]
fn chains_of_operators_may_be_long() {
    let chains = || {
        for text in [
            vec!["a"; 50_000].join(" + "),
            vec!["1"; 50_000].join(" - "),
            vec!["a"; 10_000].join(" or "),
            vec!["a * b == bool c"; 10_000].join(" - "),
            format!("a[{}]", vec!["1m"; 10_000].join(" + ")),
            format!("sum(a offset ({}))", vec!["step()"; 10_000].join(" + ")),
        ] {
            let expr = parse(&text).expect("a chain is no nesting");
            assert_eq!(expr.to_string(), text);
            let copy = expr.clone();
            assert!(copy == expr && parse(&text).as_ref() == Ok(&copy));
            assert!(!expr.selectors().is_empty() || text.starts_with('1'));
            let _ = expr.value_type();
        }
        // A mistake at the far end is found as well.
        let text = format!("{} + rate(a)", vec!["a"; 10_000].join(" + "));
        assert!(parse(&text).is_err());
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(chains).unwrap().join().unwrap();
}

#[test]
fn a_long_text_is_refused() {
    let text = " ".repeat(stonechat_promql::TEXT_BYTES_MAX + 1);
    assert!(parse(&text).is_err());
}

#[test]
fn long_durations_keep_their_milliseconds() {
    for text in ["52560h21ms", "1y1ms * 2", "x + 2562047h47m16s854ms"] {
        let tree = parse(text).unwrap();
        assert_eq!(parse(&tree.to_string()).unwrap(), tree, "{tree}");
    }
}

/// Every expression of Prometheus' own scripts, where they are at hand.
#[test]
fn prints_every_known_expression_so_that_it_parses_back() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/conformance/promqltest/testdata"
    );
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: {folder} is not there");
        return;
    };
    let mut count = 0;
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            let expr = match words.as_slice() {
                ["eval", "instant", "at", _, expr] => (*expr).to_owned(),
                ["eval", "range", ..] => line
                    .split_whitespace()
                    .skip(8)
                    .collect::<Vec<_>>()
                    .join(" "),
                _ => continue,
            };
            match parse(&expr) {
                Ok(tree) => {
                    let printed = tree.to_string();
                    assert_eq!(parse(&printed).as_ref(), Ok(&tree), "{expr} -> {printed}");
                    count += 1;
                }
                Err(error) => println!("{expr}: {error}"),
            }
        }
    }
    println!("{count} expressions");
    assert!(count > 1500);
}

/// Texts made of the language's own words get further than random letters.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("a"),
        Just("up"),
        Just("sum"),
        Just("by"),
        Just("("),
        Just(")"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just("5m"),
        Just("1"),
        Just("1.5e3"),
        Just("NaN"),
        Just("\"x\""),
        Just("'"),
        Just(","),
        Just("="),
        Just("=~"),
        Just("!="),
        Just("+"),
        Just("-"),
        Just("^"),
        Just("*"),
        Just("=="),
        Just("bool"),
        Just("on"),
        Just("group_left"),
        Just("offset"),
        Just("@"),
        Just("start"),
        Just("rate"),
        Just("topk"),
        Just("and"),
        Just("fill"),
        Just("anchored"),
        Just("step"),
        Just("é"),
        Just("\n"),
        Just("#"),
        Just(" "),
        Just("\\"),
        Just("0x"),
        Just("</"),
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

/// Expressions that are right by construction.
fn expressions() -> impl Strategy<Value = String> {
    let selector = prop_oneof![
        Just("up".to_owned()),
        Just("x{a=\"b\",c=~\"d|e\"}".to_owned()),
        Just("{\"q.r\",\"s t\"!=\"\"}".to_owned()),
        Just("sum{by=\"1\"} offset -5m".to_owned()),
        Just("m @ 1.5 offset 1h".to_owned()),
        Just("m smoothed @ start()".to_owned()),
        any::<f64>().prop_map(|value| format!("vector({value:e})").replace("inf", "Inf")),
    ];
    selector.prop_recursive(6, 48, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            inner
                .clone()
                .prop_map(|a| format!("rate(({a})[5m:step()])")),
            inner.clone().prop_map(|a| format!("clamp({a}, -1, 5m)")),
            inner
                .clone()
                .prop_map(|a| format!("sum by (x, \"y z\") ({a})")),
            inner
                .clone()
                .prop_map(|a| format!("topk without () (scalar({a}), {a})")),
            inner
                .clone()
                .prop_map(|a| format!("label_replace({a}, \"a\\n\", `b\\`, 'c', \"\")")),
            (inner.clone(), inner.clone(), 0..18_usize).prop_map(|(a, b, op)| {
                let op = stonechat_promql::ast::BinaryOp::ALL[op].symbol();
                format!("{a} {op} {b}")
            }),
            (inner.clone(), inner)
                .prop_map(|(a, b)| format!("{a} <= bool on (x) group_right (y) fill (1) {b}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(text in prop_oneof![any::<String>(), words()]) {
        if let Ok(expr) = parse(&text) {
            let printed = expr.to_string();
            prop_assert_eq!(parse(&printed), Ok(expr), "{} -> {}", text, printed);
        }
    }

    #[test]
    fn what_is_printed_parses_to_the_same_tree(text in expressions()) {
        let expr = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = expr.to_string();
        prop_assert_eq!(parse(&printed), Ok(expr), "{} -> {}", text, printed);
    }

    #[test]
    fn an_error_points_into_the_text(text in words()) {
        if let Err(error) = parse(&text) {
            let span = error.span();
            prop_assert!(text.get(span.range()).is_some(), "{:?} of {:?}", span, text);
        }
    }
}
