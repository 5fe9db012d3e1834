//! Templates and what they print, checked against this crate and, where it is installed, against promtool.

/// A template and its output.
pub const OUTPUTS: &[(&str, &str)] = &[
    (
        "{{ $labels.instance }} is {{ $value }}",
        "host:9090 is 1.234567e+06",
    ),
    ("{{ $labels.missing }}|{{ .Labels.missing }}", "|"),
    (
        "{{ $labels }} {{ . }}",
        "map[__name__:v a:b instance:host:9090] {map[__name__:v a:b instance:host:9090] map[region:cn] http://monitor:9090/base 1.234567e+06}",
    ),
    (r#"{{- "x" -}}   y  {{- /* c */ -}}  z"#, "xyz"),
    ("{{/* a comment */}}a", "a"),
    (
        r#"{{ "quo\"ted\n" }}{{ `raw\n` }}{{ 'a' }}{{ '\n' }}"#,
        "quo\"ted\nraw\\n9710",
    ),
    (
        "{{ 1 }} {{ 1.0 }} {{ 1e3 }} {{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ -5 }} {{ +5 }} {{ .5 }}",
        "1 1 1000 31 3 15 15 1000 -5 5 0.5",
    ),
    (
        "{{ 1e6 }} {{ 1e20 }} {{ 1e21 }} {{ 1e22 }} {{ 0.0001 }} {{ 0.00001 }} {{ 123456.0 }} {{ 1234567.0 }} {{ 100000.0 }}",
        "1e+06 1e+20 1e+21 1e+22 0.0001 1e-05 123456 1.234567e+06 100000",
    ),
    (
        r#"{{ true }} {{ false }} {{ not true }} {{ not 0 }} {{ not "" }}"#,
        "true false false true true",
    ),
    (
        r#"{{ if $value }}yes{{ else }}no{{ end }}{{ if "" }}yes{{ else if 0 }}zero{{ else }}no{{ end }}"#,
        "yesno",
    ),
    (
        r#"{{ with $labels.a }}{{ . }}{{ end }}{{ with "" }}x{{ else }}empty{{ end }}{{ with "" }}x{{ else with "y" }}{{ . }}{{ end }}"#,
        "bemptyy",
    ),
    (
        r#"{{ range $i, $e := query "w" | sortByLabel "n" }}{{ $i }}={{ $e.Labels.n }}:{{ $e.Value }} {{ end }}"#,
        "0=1:1 1=2:2 ",
    ),
    (
        r#"{{ range query "nothing" }}x{{ else }}none{{ end }}"#,
        "none",
    ),
    (
        "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}",
        "__name__=v;a=b;instance=host:9090;",
    ),
    (
        "{{ range $k := $labels }}{{ $k }};{{ end }}",
        "v;b;host:9090;",
    ),
    (
        "{{ range 3 }}{{ . }}{{ end }} {{ range $i := 3 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ $i }}{{ end }} {{ range $i := 5 }}{{ if eq $i 2 }}{{ break }}{{ end }}{{ $i }}{{ end }}",
        "012 02 01",
    ),
    (
        "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}{{ if true }}{{ $x := 3 }}{{ end }}{{ $x }}",
        "22",
    ),
    (
        r#"{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" $value }}{{ template "t" }}"#,
        "[1.234567e+06][<no value>]",
    ),
    (r#"{{ block "b" "z" }}<{{ . }}>{{ end }}"#, "<z>"),
    (
        r#"{{ define "r" }}{{ if gt . 0 }}{{ . }}{{ end }}{{ end }}{{ template "r" 3 }}"#,
        "3",
    ),
    (
        r#"{{ (index (query "w" | sortByLabel "n") 0).Value }} {{ (query "v" | first).Labels.a }}"#,
        "1 b",
    ),
    (
        r#"{{ len $labels }} {{ len "héllo" }} {{ len (query "w") }}"#,
        "3 6 2",
    ),
    (
        r#"{{ index $labels "a" }}|{{ index $labels "zz" }}|{{ index "abc" 1 }}"#,
        "b||98",
    ),
    (
        r#"{{ slice "abcdef" 1 3 }} {{ slice "abcdef" 2 }} {{ slice "abc" }}"#,
        "bc cdef abc",
    ),
    (
        r#"{{ print 1 2 "a" 3 4.5 true nil }} {{ print "a" "b" }} {{ print 1 2 }}"#,
        "1 2a3 4.5 true <nil> ab 1 2",
    ),
    (r#"{{ println 1 "a" 2 }}|"#, "1 a 2\n|"),
    (
        r#"{{ html "<a href='x'>\"&</a>" }} {{ js "it's <b> \\ = & \n é" }} {{ urlquery "a b&c=d/é~" }}"#,
        r#"&lt;a href=&#39;x&#39;&gt;&#34;&amp;&lt;/a&gt; it\'s \u003Cb\u003E \\ \u003D \u0026 \u000A é a+b%26c%3Dd%2F%C3%A9~"#,
    ),
    (
        r#"{{ and 1 0 2 }} {{ or 0 "" "x" }} {{ or 0 "" }}| {{ and 1 2 }} {{ 1 | and 2 }} {{ "" | or 0 }}|"#,
        "0 x | 2 1 |",
    ),
    (
        r#"{{ eq 1 1 }} {{ eq 1 2 3 1 }} {{ ne "a" "b" }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1.5 1.0 }} {{ ge "b" "a" }} {{ eq true false }}"#,
        "true true true true true true true false",
    ),
    (
        r#"{{ eq $labels.a "b" }} {{ eq $value 1234567.0 }} {{ gt $value 5.0 }}"#,
        "true true true",
    ),
    (
        r#"{{ printf "%d %5d|%-5d|%05d %+d % d %x %X %o %b %c %q %U" 42 42 42 42 42 42 255 255 8 5 65 65 65 }}"#,
        "42    42|42   |00042 +42  42 ff FF 10 101 A 'A' U+0041",
    ),
    (
        r#"{{ printf "%f %.2f %8.3f|%-8.1f| %e %E %g %G %08.3f %+.1f % .1f" 1.5 1.005 3.14159 2.5 1234.5 1234.5 0.00001 1e21 3.14159 2.0 2.0 }}"#,
        "1.500000 1.00    3.142|2.5     | 1.234500e+03 1.234500E+03 1e-05 1E+21 0003.142 +2.0  2.0",
    ),
    (
        r#"{{ printf "%s %10s|%-10s|%.2s %q %x %X % x %#x %v %+q %#q" "a" "b" "c" "defg" "h\"i" "jk" "jk" "jk" "jk" "l" "é" "m" }}"#,
        r#"a          b|c         |de "h\"i" 6a6b 6A6B 6a 6b 0x6a6b l "\u00e9" `m`"#,
    ),
    (
        r#"{{ printf "%t %v %5t|" true false true }}"#,
        "true false  true|",
    ),
    (
        r#"{{ printf "%d" 1.5 }} {{ printf "%s" 1 }} {{ printf "%f" 1 }} {{ printf "%d" "x" }} {{ printf "%z" 1 }} {{ printf "%" }} {{ printf "%d" }} {{ printf "a" 1 "b" }} {{ printf "%!" 1 }}"#,
        "%!d(float64=1.5) %!s(int=1) %!f(int=1) %!d(string=x) %!z(int=1) %!(NOVERB) %!d(MISSING) a%!(EXTRA int=1, string=b) %!!(int=1)",
    ),
    (
        r#"{{ printf "%v %v %v %v" 1 1.5 "s" true }} {{ printf "%T %T %T %T %T" 1 1.5 "s" true $labels }}"#,
        "1 1.5 s true int float64 string bool map[string]string",
    ),
    (
        r#"{{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%*d|%-*d|" 5 1 5 1 }} {{ printf "%.*f" 2 3.14159 }} {{ printf "%[3]d" 1 }} {{ printf "%%" }}"#,
        "2 1     1|1    | 3.14 %!d(BADINDEX) %",
    ),
    (
        r#"{{ printf "%s" $labels }} {{ printf "%q" $labels }} {{ printf "%d" $labels }} {{ printf "%5.1f" $value }} {{ printf "%v" nil }} {{ printf "%s" nil }}"#,
        r#"map[__name__:v a:b instance:host:9090] map["__name__":"v" "a":"b" "instance":"host:9090"] map[%!d(string=__name__):%!d(string=v) %!d(string=a):%!d(string=b) %!d(string=instance):%!d(string=host:9090)] 1234567.0 <nil> %!s(<nil>)"#,
    ),
    (
        r#"{{ printf "%05s|%05q|%-05d|%05.1f" "ab" "c" 3 2.25 }} {{ printf "%#v" "a" }} {{ printf "%6.2f%%" 12.345 }}"#,
        r#"000ab|00"c"|3    |002.2 "a"  12.35%"#,
    ),
    (
        r#"{{ printf "%.3g %.10g %g %g %g" 1234567.0 1234567.0 1e-5 123456789.0 0.1 }} {{ printf "%.0f %.0f %.0f" 0.5 1.5 2.5 }} {{ printf "%5v|%-5v|%05v" 1 2 3 }}"#,
        "1.23e+06 1234567 1e-05 1.23456789e+08 0.1 0 2 2     1|2    |00003",
    ),
    (
        r#"{{ printf "%08b %o %#o %#x %#X %#b %O" 5 8 8 255 255 5 8 }} {{ printf "%+v %x" 3 -255 }} {{ printf "%.5d %8.5d|" 42 42 }} {{ printf "%e" 0.0 }}"#,
        "00000101 10 010 0xff 0XFF 0b101 0o10 3 -ff 00042    00042| 0.000000e+00",
    ),
    (
        r#"{{ humanize 0.0 }} {{ humanize 1.0 }} {{ humanize 1234567.0 }} {{ humanize 0.00012 }} {{ humanize -1500 }} {{ humanize "1e9" }} {{ humanize 999.95 }} {{ humanize 1e30 }} {{ humanize 1e-30 }}"#,
        "0 1 1.235M 120u -1.5k 1G 1000 1e+06Y 1e-06y",
    ),
    (
        "{{ humanize1024 0.5 }} {{ humanize1024 1024.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 -2000 }} {{ humanize1024 1 }}",
        "0.5 1ki 1Mi -1.953ki 1",
    ),
    (
        "{{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 59.9999 }} {{ humanizeDuration 60 }} {{ humanizeDuration 3600 }} {{ humanizeDuration 86400 }} {{ humanizeDuration 0.1 }} {{ humanizeDuration 0.0001 }} {{ humanizeDuration -90061 }} {{ humanizeDuration 12345.678 }}",
        "0s 1s 60s 1m 0s 1h 0m 0s 1d 0h 0m 0s 100ms 100us -1d 1h 1m 1s 3h 25m 45s",
    ),
    (
        r#"{{ humanizePercentage 0.123456 }} {{ humanizePercentage 1 }} {{ humanizePercentage "0.5" }}"#,
        "12.35% 100% 50%",
    ),
    (
        r#"{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 0 }} {{ humanizeTimestamp "NaN" }} {{ humanizeTimestamp "+Inf" }}"#,
        "2015-06-23 13:19:44.128 +0000 UTC 1970-01-01 00:00:00 +0000 UTC NaN +Inf",
    ),
    (
        r#"{{ humanize "NaN" }} {{ humanize "-Inf" }} {{ humanizeDuration "Inf" }} {{ humanizePercentage "NaN" }}"#,
        "NaN -Inf +Inf NaN%",
    ),
    (
        r#"{{ (toTime 1435065584.128).Format "2006-01-02T15:04:05.000Z07:00" }} {{ (toTime 0).Unix }} {{ (toTime 0).Year }} {{ toTime 1.5 }} {{ (toTime 0).Weekday }} {{ (toTime 0).Month }}"#,
        "2015-06-23T13:19:44.128Z 0 1970 1970-01-01 00:00:01.5 +0000 UTC Thursday January",
    ),
    (
        r#"{{ (toTime 1435065584).Format "Mon Jan _2 3:04PM 06 MST -0700 002 Monday January .999" }} {{ (toTime 1435065584.128).UTC.Format "15h04m05.00s" }}"#,
        "Tue Jun 23 1:19PM 15 UTC +0000 174 Tuesday June  13h19m44.12s",
    ),
    (
        r#"{{ title "hello world foo-bar it's a.b x_y 1abc über o'neil ABC" }} {{ toUpper "aé" }} {{ toLower "AÉ" }}"#,
        "Hello World Foo-Bar It's A.b X_y 1Abc Über O'neil ABC AÉ aé",
    ),
    (
        r#"{{ match "a.*" "xaby" }} {{ match "^a" "xa" }} {{ reReplaceAll "a(b)c" "<$1>" "abc abc" }} {{ reReplaceAll "(?P<x>o+)" "${x}0" "foo" }} {{ reReplaceAll "a*" "x" "baaac" }} {{ reReplaceAll "l" "$1z" "hello" }}"#,
        "true false <b> <b> foo0 xbxcx heo",
    ),
    (
        r#"{{ stripPort "host:9090" }} {{ stripPort "host" }} {{ stripPort "[::1]:80" }} {{ stripPort "::1" }} {{ stripPort "a:b:c" }}"#,
        "host host ::1 ::1 a:b:c",
    ),
    (
        r#"{{ stripDomain "a.b.c:80" }} {{ stripDomain "a.b.c" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "10.0.0.1" }} {{ stripDomain "[::1]:80" }} {{ stripDomain "host" }}"#,
        "a:80 a 10.0.0.1:80 10.0.0.1 [::1]:80 host",
    ),
    (
        r#"{{ graphLink "up{job=\"a b\"}" }} {{ tableLink "a+b" }}"#,
        "/graph?g0.expr=up%7Bjob%3D%22a+b%22%7D&g0.tab=0 /graph?g0.expr=a%2Bb&g0.tab=1",
    ),
    (
        r#"{{ parseDuration "1h30m" }} {{ parseDuration "500ms" }}"#,
        "5400 0.5",
    ),
    (
        r#"{{ args 1 "b" }} {{ (args 1 "b").arg1 }} {{ define "two" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template "two" (args "x" "y") }}"#,
        "map[arg0:1 arg1:b] b x-y",
    ),
    (
        r#"{{ query "w" | sortByLabel "n" | first | label "n" }} {{ with query "w" | sortByLabel "n" }}{{ . | first | value }}{{ end }} {{ query "v" | first | value | humanize }} {{ query "v" | first | strvalue }}|"#,
        "1 1 1.235M |",
    ),
    (r#"{{ safeHtml "<b>" }}"#, "<b>"),
    (
        r#"{{ $value | humanize }} {{ $value | printf "%.1f" }} {{ printf "%.2f" $value | toUpper }}"#,
        "1.235M 1234567.0 1234567.00",
    ),
    (
        "{{ $externalLabels.region }}|{{ $externalURL }}|{{ .ExternalURL }}",
        "cn|http://monitor:9090/base|http://monitor:9090/base",
    ),
    (
        "{{ .Value }} {{ $.Value }} {{ range 1 }}{{ $.Value }}{{ end }}",
        "1.234567e+06 1.234567e+06 1.234567e+06",
    ),
    (
        r#"{{ first (query "v") }} {{ printf "%v" (first (query "v")) }} {{ printf "%s" (first (query "v")) }}"#,
        "{map[__name__:v a:b instance:host:9090] 1.234567e+06} &{map[__name__:v a:b instance:host:9090] 1.234567e+06} &{map[__name__:v a:b instance:host:9090] %!s(float64=1.234567e+06)}",
    ),
    ("{{ eq nil nil }} {{ eq $value nil }}", "true false"),
    (
        r#"{{ 3 | printf "%d" }} {{ $labels.a | printf "%s-%s" "x" }}"#,
        "3 x-b",
    ),
    (r#"{{ print (printf "%d" 3) }}{{ print }}|"#, "3|"),
    (
        "{{ with $labels }}{{ .a }}{{ end }}{{ with $v := 3 }}{{ $v }}{{ end }}",
        "b3",
    ),
    (
        r#"{{ print $labels.a $value }} {{ print "x" 1 2 "y" }} {{ print 1.0 2.5 }}"#,
        "b1.234567e+06 x1 2y 1 2.5",
    ),
];

/// A template and the error of its execution.
pub const ERRORS: &[(&str, &str)] = &[
    (
        r#"{{ humanize "abc" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <humanize "abc">: error calling humanize: strconv.ParseFloat: parsing "abc": invalid syntax"#,
    ),
    (
        "{{ gt $value 5 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <gt $value 5>: error calling gt: incompatible types for comparison: float64 and int"#,
    ),
    (
        "{{ toUpper 5 }}",
        r#"template: __alert_A:1:123: executing "__alert_A" at <5>: expected string; found 5"#,
    ),
    (
        "{{ toUpper $value }}",
        r#"template: __alert_A:1:123: executing "__alert_A" at <$value>: wrong type for value; expected string; got float64"#,
    ),
    (
        "{{ toUpper nil }}",
        r#"template: __alert_A:1:123: executing "__alert_A" at <nil>: cannot assign nil to string"#,
    ),
    (
        "{{ .Foo }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <.Foo>: can't evaluate field Foo in type struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"#,
    ),
    (
        "{{ $labels.a.b }}",
        r#"template: __alert_A:1:122: executing "__alert_A" at <$labels.a.b>: can't evaluate field b in type string"#,
    ),
    (
        "{{ with $x := 5 }}{{ $x.y }}{{ end }}",
        r#"template: __alert_A:1:135: executing "__alert_A" at <$x.y>: can't evaluate field y in type int"#,
    ),
    (
        r#"{{ reReplaceAll "a" "b" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <reReplaceAll>: wrong number of args for reReplaceAll: want 3 got 2"#,
    ),
    (
        "{{ humanize 1 2 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <humanize>: wrong number of args for humanize: want 1 got 2"#,
    ),
    (
        "{{ humanize }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <humanize>: wrong number of args for humanize: want 1 got 0"#,
    ),
    (
        r#"{{ query "v" | toUpper }}"#,
        r#"template: __alert_A:1:127: executing "__alert_A" at <toUpper>: wrong type for value; expected string; got template.queryResult"#,
    ),
    (
        "{{ index $labels 3 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <index $labels 3>: error calling index: value has type int; should be string"#,
    ),
    (
        "{{ index $labels nil }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <index $labels nil>: error calling index: value is nil; should be of type string"#,
    ),
    (
        "{{ index nil 1 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <index nil 1>: error calling index: index of untyped nil"#,
    ),
    (
        r#"{{ index "abc" 7 }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <index "abc" 7>: error calling index: index out of range: 7"#,
    ),
    (
        r#"{{ index (query "w") 7 }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <index (query "w") 7>: error calling index: index out of range: 7"#,
    ),
    (
        "{{ index $value 0 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <index $value 0>: error calling index: can't index item of type float64"#,
    ),
    (
        r#"{{ slice "abc" 2 1 }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <slice "abc" 2 1>: error calling slice: invalid slice index: 2 > 1"#,
    ),
    (
        r#"{{ slice "abc" 9 }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <slice "abc" 9>: error calling slice: index out of range: 9"#,
    ),
    (
        "{{ range $value }}{{ end }}",
        r#"template: __alert_A:1:121: executing "__alert_A" at <$value>: range can't iterate over 1.234567e+06"#,
    ),
    (
        "{{ range $i, $e := 3 }}{{ end }}",
        r#"template: __alert_A:1:131: executing "__alert_A" at <3>: can't use 3 to iterate over more than one variable"#,
    ),
    (
        r#"{{ template "nope" }}"#,
        r#"template: __alert_A:1:124: executing "__alert_A" at <{{template "nope"}}>: template "nope" not defined"#,
    ),
    (
        r#"{{ template "nope" $value }}"#,
        r#"template: __alert_A:1:124: executing "__alert_A" at <{{template "nope" $value}}>: template "nope" not defined"#,
    ),
    (
        "{{ len 3 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <len 3>: error calling len: len of type int"#,
    ),
    (
        "{{ eq 1 1.0 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <eq 1 1.0>: error calling eq: incompatible types for comparison: int and float64"#,
    ),
    (
        "{{ eq 1 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <eq 1>: error calling eq: missing argument for comparison"#,
    ),
    (
        "{{ lt true false }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <lt true false>: error calling lt: invalid type for comparison"#,
    ),
    (
        r#"{{ lt 1 "a" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <lt 1 "a">: error calling lt: incompatible types for comparison: int and string"#,
    ),
    (
        "{{ eq $labels $labels }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <eq $labels $labels>: error calling eq: non-comparable type map[__name__:v a:b instance:host:9090]: map[string]string"#,
    ),
    (
        "{{ lt nil 1 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <lt nil 1>: error calling lt: invalid type for comparison"#,
    ),
    (
        r#"{{ (first (query "v")).Foo }}"#,
        r#"template: __alert_A:1:129: executing "__alert_A" at <"v">: can't evaluate field Foo in type *template.sample"#,
    ),
    (
        "{{ $labels.a 3 }}",
        r#"template: __alert_A:1:122: executing "__alert_A" at <$labels.a>: a is not a method but has arguments"#,
    ),
    (
        "{{ $value 3 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <$value>: can't give argument to non-function $value"#,
    ),
    (
        "{{ .Labels.a.Foo.Bar }}",
        r#"template: __alert_A:1:122: executing "__alert_A" at <.Labels.a.Foo.Bar>: can't evaluate field Foo in type string"#,
    ),
    (
        "{{ call 3 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <call 3>: error calling call: non-function 3 of type int"#,
    ),
    (
        r#"{{ call "x" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <call "x">: error calling call: non-function "x" of type string"#,
    ),
    (
        "{{ printf 3 }}",
        r#"template: __alert_A:1:122: executing "__alert_A" at <3>: expected string; found 3"#,
    ),
    (
        "{{ printf }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <printf>: wrong number of args for printf: want at least 1 got 0"#,
    ),
    (
        "{{ and }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <and>: wrong number of args for and: want at least 1 got 0"#,
    ),
    (
        r#"{{ first (query "nothing") }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <first (query "nothing")>: error calling first: first() called on vector with no elements"#,
    ),
    (
        r#"{{ (query "v").Labels }}"#,
        r#"template: __alert_A:1:122: executing "__alert_A" at <"v">: can't evaluate field Labels in type template.queryResult"#,
    ),
    (
        r#"{{ range query "v" }}{{ .Labels.x.y }}{{ end }}"#,
        r#"template: __alert_A:1:143: executing "__alert_A" at <.Labels.x.y>: can't evaluate field y in type string"#,
    ),
    (
        r#"{{ define "e" }}{{ .X.Y }}{{ end }}{{ template "e" 5 }}"#,
        r#"template: __alert_A:1:133: executing "e" at <.X.Y>: can't evaluate field X in type int"#,
    ),
    (
        r#"{{ parseDuration "x" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <parseDuration "x">: error calling parseDuration: not a valid duration string: "x""#,
    ),
    (
        r#"{{ label "a" "b" }}"#,
        r#"template: __alert_A:1:125: executing "__alert_A" at <"b">: can't handle "b" for arg of type *template.sample"#,
    ),
    (
        r#"{{ toTime "x" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <toTime "x">: error calling toTime: strconv.ParseFloat: parsing "x": invalid syntax"#,
    ),
    (
        "{{ toTime 1e12 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <toTime 1e12>: error calling toTime: 1e+12 cannot be represented as a nanoseconds timestamp since it overflows int64"#,
    ),
    (
        "{{ humanizeTimestamp 1e12 }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <humanizeTimestamp 1e12>: error calling humanizeTimestamp: 1e+12 cannot be represented as a nanoseconds timestamp since it overflows int64"#,
    ),
    (
        "{{ humanize true }} ",
        r#"template: __alert_A:1:115: executing "__alert_A" at <humanize true>: error calling humanize: can't convert bool to float"#,
    ),
    (
        "{{ humanize $labels }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <humanize $labels>: error calling humanize: can't convert map[string]string to float"#,
    ),
    (
        r#"{{ if eq "a" 1 }}x{{ end }}"#,
        r#"template: __alert_A:1:118: executing "__alert_A" at <eq "a" 1>: error calling eq: incompatible types for comparison: string and int"#,
    ),
    (
        "{{ not }}",
        r#"template: __alert_A:1:115: executing "__alert_A" at <not>: wrong number of args for not: want 1 got 0"#,
    ),
    (
        r#"{{ nil | printf "%v" }}"#,
        r#"template: __alert_A:1:115: executing "__alert_A" at <nil>: nil is not a command"#,
    ),
];

/// A text that is no template, and the error of reading it.
pub const BAD: &[(&str, &str)] = &[
    ("{{", "template: __alert_A:1: unclosed action"),
    ("{{ ", "template: __alert_A:1: unclosed action"),
    ("{{ }}", "template: __alert_A:1: missing value for command"),
    (
        "{{ foo }}",
        r#"template: __alert_A:1: function "foo" not defined"#,
    ),
    (
        "{{ $x }}",
        r#"template: __alert_A:1: undefined variable "$x""#,
    ),
    (
        "{{ if }}x{{ end }}",
        "template: __alert_A:1: missing value for if",
    ),
    ("{{ if 1 }}", "template: __alert_A:1: unexpected EOF"),
    ("{{ end }}", "template: __alert_A:1: unexpected {{end}}"),
    ("{{ else }}", "template: __alert_A:1: unexpected {{else}}"),
    (
        "{{ if 1 }}{{ else }}{{ else }}{{ end }}",
        "template: __alert_A:1: expected end; found {{else}}",
    ),
    (
        "{{ range 1 }}{{ else if }}{{ end }}",
        "template: __alert_A:1: unexpected <if> in input",
    ),
    (
        r#"{{ define "x" }}"#,
        "template: __alert_A:1: unexpected EOF",
    ),
    (
        "{{ define x }}{{ end }}",
        r#"template: __alert_A:1: unexpected "x" in define clause"#,
    ),
    (
        r#"{{ if 1 }}{{ define "x" }}{{ end }}{{ end }}"#,
        "template: __alert_A:1: unexpected <define> in command",
    ),
    (
        "{{ template }}",
        r#"template: __alert_A:1: unexpected "}}" in template clause"#,
    ),
    (
        "{{ template x }}",
        r#"template: __alert_A:1: unexpected "x" in template clause"#,
    ),
    (
        r#"{{ "abc }}"#,
        "template: __alert_A:1: unterminated quoted string",
    ),
    (
        "{{ `abc }}",
        "template: __alert_A:1: unterminated raw quoted string",
    ),
    (
        "{{ 'ab' }}",
        "template: __alert_A:1: malformed character constant: 'ab'",
    ),
    ("{{ '' }}", "template: __alert_A:1: invalid syntax"),
    (r#"{{ "\q" }}"#, "template: __alert_A:1: invalid syntax"),
    (
        "{{ 1a }}",
        r#"template: __alert_A:1: bad number syntax: "1a""#,
    ),
    (
        "{{ 0x }}",
        r#"template: __alert_A:1: illegal number syntax: "0x""#,
    ),
    (
        "{{ 1.2.3 }}",
        r#"template: __alert_A:1: unexpected ".3" in operand"#,
    ),
    (
        "{{ /* x }}",
        r#"template: __alert_A:1: unexpected "/" in command"#,
    ),
    (
        "{{/* x */ y }}",
        "template: __alert_A:1: comment ends before closing delimiter",
    ),
    ("{{/* x }}", "template: __alert_A:1: unclosed comment"),
    ("{{ ( }}", "template: __alert_A:1: unclosed left paren"),
    ("{{ ) }}", "template: __alert_A:1: unexpected right paren"),
    ("{{ (1 }}", "template: __alert_A:1: unclosed left paren"),
    (
        "{{ 1 | 2 }}",
        "template: __alert_A:1: non executable command in pipeline stage 2",
    ),
    (
        "{{ | 1 }}",
        r#"template: __alert_A:1: unexpected "|" in command"#,
    ),
    (
        "{{ 1.foo }}",
        r#"template: __alert_A:1: bad number syntax: "1.f""#,
    ),
    (
        r#"{{ "a".foo }}"#,
        r#"template: __alert_A:1: unexpected . after term "\"a\"""#,
    ),
    (
        "{{ .foo.bar. }}",
        "template: __alert_A:1: unexpected <.> in operand",
    ),
    (
        "{{ $x := }}",
        "template: __alert_A:1: missing value for command",
    ),
    (
        "{{ $x := 1 $y }}",
        r#"template: __alert_A:1: undefined variable "$y""#,
    ),
    (
        "{{ $x, $y := 1 }}",
        "template: __alert_A:1: too many declarations in command",
    ),
    (
        "{{ range $x, $y, $z := 1 }}{{ end }}",
        "template: __alert_A:1: too many declarations in range",
    ),
    (
        "{{ range $x, := 1 }}{{ end }}",
        "template: __alert_A:1: range can only initialize variables",
    ),
    (
        "{{ break }}",
        "template: __alert_A:1: {{break}} outside {{range}}",
    ),
    (
        "{{ continue }}",
        "template: __alert_A:1: {{continue}} outside {{range}}",
    ),
    (
        "{{ range 1 }}{{ break 1 }}{{ end }}",
        r#"template: __alert_A:1: unexpected "1" in {{break}}"#,
    ),
    (
        "{{ if 1 }}{{ break }}{{ end }}",
        "template: __alert_A:1: {{break}} outside {{range}}",
    ),
    (
        "{{ & }}",
        r#"template: __alert_A:1: unexpected "&" in command"#,
    ),
    (
        "{{ a%b }}",
        "template: __alert_A:1: bad character U+0025 '%'",
    ),
    (
        r#"{{ print"x" }}"#,
        r#"template: __alert_A:1: bad character U+0022 '"'"#,
    ),
    (
        r#"{{ print "a""b" }}"#,
        r#"template: __alert_A:1: unexpected "\"b\"" in operand"#,
    ),
    (
        "{{ print (1)(2) }}",
        r#"template: __alert_A:1: unexpected "(" in operand"#,
    ),
    (
        "{{ .a.b c }}",
        r#"template: __alert_A:1: function "c" not defined"#,
    ),
    (
        "{{ with 1 }}{{ else with }}{{ end }}",
        "template: __alert_A:1: missing value for with",
    ),
    (
        "{{ with 1 }}{{ else if 1 }}{{ end }}",
        "template: __alert_A:1: unexpected <if> in input",
    ),
    (
        r#"{{ block "x" }}{{ end }}"#,
        "template: __alert_A:1: missing value for block clause",
    ),
    (
        "{{ block x . }}{{ end }}",
        r#"template: __alert_A:1: unexpected "x" in block clause"#,
    ),
    (
        r#"{{ define "x" }}a{{ end }}{{ define "x" }}b{{ end }}"#,
        r#"template: __alert_A:1: template: multiple definition of template "x""#,
    ),
    (
        "{{ end 1 }}",
        r#"template: __alert_A:1: unexpected "1" in end"#,
    ),
    (
        "{{ if 1 }}{{ end 1 }}",
        r#"template: __alert_A:1: unexpected "1" in end"#,
    ),
    (
        "{{ true.x }}",
        r#"template: __alert_A:1: unexpected . after term "true""#,
    ),
    (
        "{{ nil.x }}",
        r#"template: __alert_A:1: unexpected . after term "nil""#,
    ),
    ("{{ : }}", "template: __alert_A:1: expected :="),
    (
        "{{ x := 1 }}",
        r#"template: __alert_A:1: function "x" not defined"#,
    ),
    ("{{ -}}", "template: __alert_A:1: missing value for command"),
    ("{{- }}", "template: __alert_A:1: missing value for command"),
    (
        "{{ .Value. }}",
        "template: __alert_A:1: unexpected <.> in operand",
    ),
    (
        "{{ print , }}",
        r#"template: __alert_A:1: unexpected "," in operand"#,
    ),
    (
        "{{ else 1 }}",
        r#"template: __alert_A:1: unexpected "1" in else"#,
    ),
    (
        "{{ if 1 }}{{ else 1 }}{{ end }}",
        r#"template: __alert_A:1: unexpected "1" in else"#,
    ),
    (
        "{{ 99999999999999999999 }}",
        r#"template: __alert_A:1: integer overflow: "99999999999999999999""#,
    ),
    (
        "{{ 1e999 }}",
        r#"template: __alert_A:1: illegal number syntax: "1e999""#,
    ),
    (
        "{{ 0b12 }}",
        r#"template: __alert_A:1: bad number syntax: "0b12""#,
    ),
    (
        "{{ 'a }}",
        "template: __alert_A:1: unterminated character constant",
    ),
    (
        "{{ humanize $value)}}",
        "template: __alert_A:1: unexpected right paren",
    ),
    (
        "{{ if true }}{{ if true }}{{ end }}",
        "template: __alert_A:1: unexpected EOF",
    ),
    (
        "{{ range }}{{ end }}",
        "template: __alert_A:1: missing value for range",
    ),
    (
        "{{ ..a }}",
        r#"template: __alert_A:1: unexpected . after term ".""#,
    ),
    (
        "{{ $labels..a }}",
        "template: __alert_A:1: unexpected <.> in operand",
    ),
    (
        "{{ break }}{{ range 1 }}{{ end }}",
        "template: __alert_A:1: {{break}} outside {{range}}",
    ),
    (
        "{{ $value | humanize }",
        r#"template: __alert_A:1: unexpected "}" in operand"#,
    ),
    (
        "a\n{{ \"x\n\" }}",
        "template: __alert_A:2: unterminated quoted string",
    ),
];

/// Odd texts that are templates all the same.
pub const ODD: &[&str] = &[
    "{{ 1 | }}",
    "{{ .1 }}",
    "{{ $x = 1 }}",
    "{{ nil }}",
    "{{ 1 2 }}",
    "{{ 1 -}}",
    "{{- 1}}",
    "{{-1}}",
    "{{ $ }}{{ $.Value }}",
    r#"{{ "a" | print | }}"#,
    r#"{{ template "x" 1 2 }}"#,
    "a }} b",
];
