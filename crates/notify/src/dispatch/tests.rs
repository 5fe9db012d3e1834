//! Stories of alerts, written as text: what happens when, and what is told to whom.

mod driver; // runs a story
mod random; // stories that nobody thought of

use self::driver::check;

/// One receiver; groups by alert name.
const PLAIN: &str = "
route: {receiver: r, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 1h}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/'}]
";

/// All alerts in one group.
const ONE_GROUP: &str = "
route: {receiver: r, group_wait: 30s, group_interval: 5m, repeat_interval: 1h}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/'}]
";

#[test]
fn the_first_message_waits_for_further_alerts() {
    check(
        ONE_GROUP,
        "
        0s    fire a
        10s   fire b
        30s   => r first notification: a b
        31s   fire c
        5m30s => r new alerts added: a b c
        10m   stop",
    );
}

#[test]
fn groups_have_their_own_time() {
    check(
        PLAIN,
        "
        0s  fire a
        10s fire b
        30s => r first notification: a
        40s => r first notification: b
        10m stop",
    );
}

#[test]
fn an_alert_that_has_waited_enough_is_told_at_once() {
    check(
        PLAIN,
        "
        2m  fire a since=1m
        2m  => r first notification: a
        3m  fire b since=2m50s
        3m30s => r first notification: b
        4m  stop",
    );
}

#[test]
fn an_end_is_told_once_and_the_group_is_gone() {
    check(
        ONE_GROUP,
        "
        0s     fire a
        0s     fire b
        30s    => r first notification: a b
        1m     end b
        2m     end b
        5m30s  => r some alerts resolved: a -b
        6m     end b
        7m     end a
        10m30s => r all alerts resolved: -a
        11m    end a
        12m    fire a
        12m30s => r first notification: a
        13m    stop",
    );
}

#[test]
fn the_end_of_an_alert_is_repeated_by_the_rules_but_not_to_the_receiver() {
    check(
        ONE_GROUP,
        "
        0s     fire a
        0s     fire b
        30s    => r first notification: a b
        1m     end b
        5m30s  => r some alerts resolved: a -b
        6m     fire c
        10m30s => r new alerts added: a c
        11m    end b at=1m
        14m    end b at=1m
        20m    stop",
    );
}

#[test]
fn an_alert_that_nobody_reports_any_more_ends() {
    check(
        ONE_GROUP,
        "
        0s     fire a until=2m
        30s    => r first notification: a
        1m     fire a until=7m
        10m30s => r all alerts resolved: -a
        20m    stop",
    );
}

#[test]
fn what_ended_before_it_was_told_is_not_told() {
    check(
        ONE_GROUP,
        "
        0s  fire a
        10s end a
        5m  end never-heard-of
        20m stop",
    );
}

#[test]
fn an_unchanged_group_is_repeated_after_the_repeat_interval() {
    // The first round behind the interval, as in Alertmanager: the message of 30s is not yet an hour old at 1h30s.
    check(
        PLAIN,
        "
        0s      fire a
        30s     => r first notification: a
        1h5m30s => r repeat interval elapsed: a
        2h10m30s => r repeat interval elapsed: a
        3h      stop",
    );
}

#[test]
fn an_alert_that_comes_back_before_its_end_was_told_never_ended() {
    check(
        PLAIN,
        "
        0s  fire a
        30s => r first notification: a
        1m  end a
        2m  fire a
        20m stop",
    );
}

#[test]
fn one_who_does_not_want_ends_hears_of_the_next_beginning() {
    check(
        "
route: {receiver: r, group_wait: 30s, group_interval: 5m}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/', send_resolved: false}]
",
        "
        0s     fire a
        0s     fire b
        30s    => r first notification: a b
        1m     end a
        6m     fire c
        10m30s => r new alerts added: b c
        11m    end b
        11m    end c
        20m    fire a
        20m30s => r first notification: a
        21m    stop",
    );
}

#[test]
fn groups_by_all_labels_or_by_none() {
    let all = PLAIN.replace("[alertname]", "['...']");
    check(
        &all,
        "
        0s  fire a n=1
        0s  fire a n=2
        30s => r first notification: a{n=1}
        30s => r first notification: a{n=2}
        1m  stop",
    );
    let none = PLAIN.replace("[alertname]", "[]");
    check(
        &none,
        "
        0s  fire a
        0s  fire b
        30s => r first notification: a b
        1m  stop",
    );
}

const TREE: &str = "
route:
  receiver: fallback
  group_wait: 30s
  routes:
  - {matchers: [team=chat], receiver: chat, continue: true, group_wait: 0s}
  - {matchers: ['team=~\"chat|media\"'], receiver: archive, group_wait: 10s}
receivers:
- name: fallback
  webhook_configs: [{url: 'http://fallback/'}]
- name: chat
  webhook_configs: [{url: 'http://chat/'}]
- name: archive
  webhook_configs: [{url: 'http://archive/'}]
";

#[test]
fn an_alert_goes_to_every_route_that_takes_it() {
    check(
        TREE,
        "
        0s  fire a team=chat
        0s  fire b team=media
        0s  fire c team=web
        0s  => chat first notification: a{team=chat}
        10s => archive first notification: a{team=chat} b{team=media}
        30s => fallback first notification: c{team=web}
        1m  stop",
    );
}

#[test]
fn a_receiver_without_any_way_out_swallows() {
    check(
        "{route: {receiver: 'null'}, receivers: [{name: 'null'}]}",
        "
        0s fire a
        1h end a
        2h stop",
    );
}

#[test]
fn a_dead_receiver_delays_no_other_and_loses_nothing() {
    let two = TREE.replace("group_wait: 0s", "group_wait: 10s, group_interval: 1m");
    check(
        &two,
        "
        0s    answer chat never
        0s    fire a team=chat
        10s   => chat first notification: a{team=chat}
        10s   => archive first notification: a{team=chat}
        # The first message was given up when the group was due again.
        1m10s => chat first notification: a{team=chat}
        1m40s fire b team=chat
        2m10s => chat first notification: a{team=chat} b{team=chat}
        2m20s answer chat now
        3m10s => chat first notification: a{team=chat} b{team=chat}
        5m10s => archive new alerts added: a{team=chat} b{team=chat}
        6m    stop",
    );
}

#[test]
fn an_end_waits_until_a_dead_receiver_is_back_and_is_told_once_to_the_other() {
    check(
        "
route: {receiver: r, group_wait: 0s, group_interval: 1m}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/0'}, {url: 'http://r/1'}]
",
        "
        0s  fire a
        0s  fire b
        0s  => r first notification: a b
        0s  => r[1] first notification: a b
        10s answer r[1] refused
        20s end b
        1m  => r some alerts resolved: a -b
        1m  => r[1] some alerts resolved: a -b
        2m  => r[1] some alerts resolved: a -b
        2m10s end a
        3m  => r all alerts resolved: -a
        3m  => r[1] all alerts resolved: -a -b
        4m  => r[1] all alerts resolved: -a -b
        4m10s answer r[1] now
        5m  => r[1] all alerts resolved: -a -b
        9m  stop",
    );
}

#[test]
fn a_slow_receiver_has_one_message_under_way_and_then_hears_the_newest() {
    check(
        "
route: {receiver: r, group_wait: 0s, group_interval: 5s}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/'}]
",
        "
        0s  answer r after=8s
        0s  fire a
        0s  => r first notification: a
        1s  fire b
        6s  fire c
        8s  => r new alerts added: a b c
        9s  end a
        16s => r some alerts resolved: -a b c
        60s stop",
    );
}

#[test]
fn alerts_that_come_and_go_while_a_message_is_under_way_are_not_confused() {
    check(
        "
route: {receiver: r, group_wait: 0s, group_interval: 1m}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/'}]
",
        "
        0s    fire a
        0s    => r first notification: a
        10s   end a
        11s   answer r after=30s
        1m    => r all alerts resolved: -a
        1m10s fire a
        # It was told as over, so it has to be told as firing.
        2m    => r first notification: a
        9m    stop",
    );
}

#[test]
fn inhibited_alerts_are_not_told_until_their_source_ends() {
    check(
        &format!(
            "{ONE_GROUP}\ninhibit_rules: [{{source_matchers: [sev=crit], target_matchers: [sev=warn], equal: [dc]}}]"
        ),
        "
        0s     fire a sev=crit dc=1
        0s     fire b sev=warn dc=1
        0s     fire c sev=warn dc=2
        30s    => r first notification: a{dc=1,sev=crit} c{dc=2,sev=warn}
        1m     end a sev=crit dc=1
        5m30s  => r new alerts added: -a{dc=1,sev=crit} b{dc=1,sev=warn} c{dc=2,sev=warn}
        6m     stop",
    );
}

#[test]
fn routes_are_silent_in_mute_intervals_and_outside_active_ones() {
    // The stories begin on Thursday, 1 January 1970, at midnight UTC.
    check(
        "
route:
  receiver: r
  group_wait: 0s
  group_interval: 10m
  routes:
  - {matchers: [on=day], receiver: r, active_time_intervals: [day]}
  - {matchers: [on=night], receiver: r, mute_time_intervals: [day]}
time_intervals:
- {name: day, time_intervals: [{times: [{start_time: '00:30', end_time: '01:00'}]}]}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/'}]
",
        "
        0s  fire a on=day
        31m fire b on=night since=31m
        30m => r first notification: a{on=day}
        61m => r first notification: b{on=night}
        2h  stop",
    );
}

#[test]
fn a_reload_that_leaves_a_route_alone_keeps_its_time_and_tells_nothing_again() {
    let with_more = PLAIN.replace(
        "repeat_interval: 1h}",
        "repeat_interval: 1h, routes: [{matchers: [x=y], receiver: r}]}",
    );
    driver::check_with(
        PLAIN,
        &[&with_more, PLAIN],
        "
        0s     fire a
        10s    reload 0
        20s    reload 1
        30s    => r first notification: a
        1m     reload 0
        2m     fire a n=2
        3m     reload 0
        5m30s  => r new alerts added: a a{n=2}
        6m     end a
        7m     reload 1
        10m30s => r some alerts resolved: -a a{n=2}
        11m    reload 0
        30m    stop",
    );
}

#[test]
fn a_reload_moves_alerts_to_other_routes_and_shortens_waits() {
    let other = "
route: {receiver: s, group_by: [alertname], group_wait: 5s, group_interval: 1m}
receivers:
- name: s
  webhook_configs: [{url: 'http://s/'}]
";
    let faster = PLAIN.replace("group_interval: 5m", "group_interval: 1m");
    driver::check_with(
        PLAIN,
        &[other, &faster],
        "
        0s     fire a
        30s    => r first notification: a
        1m     fire a n=2
        2m     reload 1
        3m     => r new alerts added: a a{n=2}
        4m     reload 0
        4m     => s first notification: a a{n=2}
        9m     stop",
    );
}

#[test]
fn a_message_under_way_survives_a_reload() {
    driver::check_with(
        PLAIN,
        &[PLAIN],
        "
        0s     answer r after=20s
        0s     fire a
        30s    => r first notification: a
        40s    reload 0
        9m     stop",
    );
    // Its way out is closed: it is sent anew, unless it had arrived.
    driver::check_with(
        PLAIN,
        &[PLAIN],
        "
        0s     answer r after=20s
        0s     fire a
        30s    => r first notification: a
        40s    reload 0 interrupting
        40s    => r first notification: a
        9m     stop",
    );
}

#[test]
fn nothing_is_told_again_because_of_a_restart() {
    for way in ["kill", "shutdown"] {
        check(
            ONE_GROUP,
            &format!(
                "
        0s     fire a
        0s     fire b
        30s    => r first notification: a b
        1m     {way}
        1m10s  fire a
        1m10s  fire b
        4m     end b
        6m     => r some alerts resolved: a -b
        7m     {way}
        7m10s  fire a
        20m    stop"
            ),
        );
    }
}

#[test]
fn an_end_is_told_after_a_restart_even_if_nobody_reports_it() {
    check(
        ONE_GROUP,
        "
        0s    fire a until=2m
        30s   => r first notification: a
        1m    kill
        # Nobody reports the alert again within the five minutes of resolve_timeout.
        6m    => r all alerts resolved: -a
        7m    kill
        30m   stop",
    );
}

#[test]
fn an_end_that_was_known_before_a_shutdown_is_told_at_once() {
    check(
        ONE_GROUP,
        "
        0s    fire a
        30s   => r first notification: a
        1m    end a
        2m    shutdown
        2m    => r all alerts resolved: -a
        30m   stop",
    );
}

#[test]
fn a_kill_while_a_message_is_under_way_repeats_it_and_loses_nothing() {
    check(
        ONE_GROUP,
        "
        0s    answer r after=20s
        0s    fire a
        30s   => r first notification: a
        40s   kill
        50s   fire a since=0s
        50s   => r first notification: a
        2m    stop",
    );
}

#[test]
fn limits_drop_what_is_too_much() {
    driver::check_limits(
        PLAIN,
        (3, 2),
        "
        0s  fire a n=1
        0s  fire b
        0s  fire c
        0s  fire d
        0s  fire a n=1
        30s => r first notification: a{n=1}
        30s => r first notification: b
        1m  stop",
        "groups, alerts",
    );
}

#[test]
fn an_end_that_one_way_has_heard_is_not_undone_by_a_restart() {
    check(
        "
route: {receiver: r, group_wait: 0s, group_interval: 1m}
receivers:
- name: r
  webhook_configs: [{url: 'http://r/0'}, {url: 'http://r/1'}]
",
        "
        0s  fire a
        0s  fire b until=4m
        0s  => r first notification: a b
        0s  => r[1] first notification: a b
        10s answer r[1] never
        20s end b
        1m  => r some alerts resolved: a -b
        1m  => r[1] some alerts resolved: a -b
        70s kill
        # The second way still believes that b fires; for the first it is over.
        71s fire a
        2m  fire c
        2m10s => r new alerts added: a c
        2m10s => r[1] new alerts added: a b c
        2m15s answer r[1] now
        3m10s => r[1] new alerts added: a b c
        6m10s => r[1] some alerts resolved: a -b c
        20m stop",
    );
}

#[test]
fn an_alert_that_ended_under_another_grouping_is_new_when_the_first_comes_back() {
    let other = PLAIN.replace("[alertname]", "[x]");
    driver::check_with(
        PLAIN,
        &[&other, PLAIN],
        "
        0s     fire a
        30s    => r first notification: a
        1m     reload 0
        1m     => r first notification: a
        2m     end a
        6m     => r all alerts resolved: -a
        7m     reload 1
        8m     fire a
        8m30s  => r first notification: a
        9m     stop",
    );
}

#[test]
fn a_group_of_before_a_change_of_grouping_does_not_come_back_by_a_restart() {
    let other = PLAIN.replace("[alertname]", "[x]");
    driver::check_with(
        PLAIN,
        &[&other],
        "
        0s     fire a
        30s    => r first notification: a
        1m     reload 0
        1m     => r first notification: a
        2m     end a
        6m     => r all alerts resolved: -a
        7m     kill
        30m    stop",
    );
}

#[test]
fn the_delivery_log_hears_of_every_turn_once() {
    driver::check_events(
        "
route: {receiver: r, group_by: [job], group_wait: 30s, group_interval: 5m}
receivers: [{name: r, webhook_configs: [{url: 'http://r/'}]}]
inhibit_rules: [{source_matchers: [alertname=a], target_matchers: [alertname=b]}]
",
        "
        0s     fire a
        0s     fire b
        30s    => r first notification: a
        1m     fire a
        6m     end a
        6m     end a
        10m30s => r new alerts added: -a b
        12m    fire a
        13m    end b
        14m    stop",
        &[
            "0s fires a",
            "0s fires b",
            "30s quiet b: inhibited by a",
            "6m ends a",
            "10m30s audible b",
            "12m fires a",
            "13m ends b",
        ],
    );
}
