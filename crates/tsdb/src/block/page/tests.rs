use proptest::prelude::*;
use stonechat_model::STALE_NAN;

use super::*;

fn check(series: &[Vec<f64>]) -> usize {
    let mut builder = PageBuilder::default();
    for (ordinal, values) in (7..).zip(series) {
        let place = Place {
            ordinal,
            grid: ordinal / 16,
            start: 0,
        };
        builder.push(place, values);
    }
    let mut payload = Vec::new();
    builder.finish(&mut payload).unwrap();
    let page = Page::decode(&payload).unwrap();
    for (ordinal, values) in (7..).zip(series) {
        let [part] = page.parts_of(ordinal) else {
            panic!("one part was put in");
        };
        assert_eq!(part.place.grid, ordinal / 16);
        let Values::Floats(read) = page.values(part) else {
            panic!("floats were put in");
        };
        let bits = |values: &[f64]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(read), bits(values));
    }
    payload.len()
}

#[test]
fn keeps_every_bit() {
    let odd = f64::from_bits(0xfff8_dead_beef_0001);
    check(&[
        vec![
            0.0,
            -0.0,
            1.0,
            f64::NAN,
            odd,
            STALE_NAN,
            f64::INFINITY,
            f64::MIN_POSITIVE,
        ],
        vec![-0.0],
        vec![5.0, 6.0, 7.0, STALE_NAN],
        vec![STALE_NAN, 6.0, 7.0, 9.0, -0.0, 9.0, 9.0, 9.0, 9.0],
        vec![0.1, 0.2, 0.30000000000000004, 12.5],
        vec![0.1, 0.2, 0.3, 12.5],
        vec![9_007_199_254_740_991.0, -9_007_199_254_740_991.0, 0.0],
        vec![9_007_199_254_740_993.0, 1.0],
    ]);
}

#[test]
fn buckets_that_rise_together_take_little() {
    let rise = |step: u64| {
        let mut noise = 1_u64;
        let mut total = 0.0;
        let next = move |_| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            total += (noise >> 57) as f64 * step as f64;
            total
        };
        (0..1000).map(next).collect::<Vec<f64>>()
    };
    let alone = check(&[rise(1)]);
    let together = check(&vec![rise(1); 3]);
    assert!(together < alone + alone / 10, "{together} {alone}");
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-1000_i32..1000).prop_map(f64::from),
        4 => (-1000_i32..1000).prop_map(|number| f64::from(number) / 100.0),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(STALE_NAN),
        1 => Just(-0.0),
    ]
}

proptest! {
    #[test]
    fn values_come_back(series in proptest::collection::vec(proptest::collection::vec(any_value(), 1..40), 1..12)) {
        check(&series);
    }

    #[test]
    fn numbers_come_back(
        shared in proptest::collection::vec(-5_i64..50, 1..30),
        own in proptest::collection::vec(proptest::collection::vec(0_i64..2, 30), 1..9),
    ) {
        let series: Vec<Vec<f64>> = own
            .iter()
            .map(|own| {
                let mut total = 0;
                shared.iter().zip(own).map(|(shared, own)| { total += shared + own; total as f64 }).collect()
            })
            .collect();
        check(&series);
    }

    #[test]
    fn changed_bytes_end_without_panic(place in 0_usize..400, change in any::<u8>()) {
        let mut builder = PageBuilder::default();
        for ordinal in 0..20 {
            let values: Vec<f64> = (0..40).map(|n| f64::from(n * ordinal) / 3.0).collect();
            builder.push(Place { ordinal, grid: 0, start: 0 }, &values);
        }
        let mut payload = Vec::new();
        builder.finish(&mut payload).unwrap();
        let place = place % payload.len();
        payload[place] ^= change;
        let _ = Page::decode(&payload);
        let _ = Page::decode(&payload[..place]);
    }
}
