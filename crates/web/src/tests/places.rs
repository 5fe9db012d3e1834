//! How many may read the store at a time, and for how long.

use std::time::Duration;

use super::bench::Bench;

const READING: [&str; 5] = [
    "GET /api/v1/query?query=up&timeout=20ms",
    "GET /api/v1/query_range?query=up&start=0&end=1&step=1&timeout=20ms",
    "GET /api/v1/labels",
    "GET /api/v1/label/job/values",
    "GET /api/v1/series?match[]=up",
];

#[tokio::test]
async fn who_reads_the_store_waits_for_a_place() {
    let bench = Bench::new().await;
    let places = bench
        .rooms
        .queries
        .clone()
        .acquire_many_owned(2)
        .await
        .unwrap();
    for ask in READING {
        // Those that know no timeout of their own wait as long as a query may take, so they are left waiting here.
        let patience = Duration::from_millis(200);
        let answer = tokio::time::timeout(patience, bench.ask(ask)).await;
        match answer {
            Ok(answer) => {
                assert!(ask.contains("timeout"), "{ask} did not wait");
                assert_eq!(answer.status, 503);
                let wanted = r#"{"error":"query timed out in query queue","errorType":"timeout","status":"error"}"#;
                assert_eq!(answer.json().to_string(), wanted);
            }
            Err(_) => assert!(!ask.contains("timeout"), "{ask} waits for ever"),
        }
    }
    // Whoever went away waits no more: all places are free again.
    drop(places);
    assert_eq!(bench.rooms.queries.available_permits(), 2);
    for ask in READING {
        assert_eq!(
            bench.ask(&ask.replace("20ms", "20s")).await.status,
            200,
            "{ask}"
        );
    }
    assert_eq!(bench.rooms.queries.available_permits(), 2);
}

#[tokio::test]
async fn a_client_that_goes_away_stops_its_query() {
    let bench = Bench::new().await;
    // Without the switch it would take minutes: eleven thousand steps of a subquery of a million.
    let slow = "GET /api/v1/query_range?start=0&end=11000&step=1&query=sum_over_time(vector(1)[1000000s:1s])";
    let asked = tokio::time::timeout(Duration::from_millis(100), bench.ask(slow)).await;
    assert!(
        asked.is_err(),
        "answered already: {}",
        asked.map(|answer| answer.body).unwrap_or_default()
    );
    let free = async {
        while bench.rooms.queries.available_permits() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free)
        .await
        .expect("its place is free again");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_a_timeout() {
    let bench = Bench::new().await;
    let slow = "GET /api/v1/query_range?start=0&end=11000&step=1&query=sum_over_time(vector(1)[1000000s:1s])&timeout=50ms";
    let answer = bench.ask(slow).await;
    assert_eq!(answer.status, 503);
    let wanted = r#"{"error":"query timed out in expression evaluation","errorType":"timeout","status":"error"}"#;
    assert_eq!(answer.json().to_string(), wanted);
}
