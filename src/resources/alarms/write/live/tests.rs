//! What CloudWatch is sent, and that it is sent nothing when what the change expects is gone.

use super::*;
use crate::{
    provider::{armed, canned},
    resources::{RegionLabel, change::Fate},
};

fn change(names: usize, to: bool) -> Change {
    Change::Actions {
        region: RegionLabel::new("eu-west-1").unwrap(),
        names: (0..names).map(|index| format!("a{index}")).collect(),
        from: !to,
        to,
    }
}

/// Lists two alarms, the first metric and the second composite, one on each page.
async fn sent(change: Change, enabled: [bool; 2]) -> (Result<Receipt, ApplyError>, Vec<String>) {
    let answer = move |call: &str| {
        if !call.contains("Action=DescribeAlarms") {
            return canned::query("Any", "");
        }
        let second = call.contains("NextToken");
        let (list, enabled, more) = if second {
            ("CompositeAlarms", enabled[1], "")
        } else {
            ("MetricAlarms", enabled[0], "<NextToken>2</NextToken>")
        };
        let name = usize::from(second);
        let alarm = format!(
            "<member><AlarmName>a{name}</AlarmName><ActionsEnabled>{enabled}</ActionsEnabled></member>"
        );
        canned::query("DescribeAlarms", &format!("<{list}>{alarm}</{list}>{more}"))
    };
    armed::send(answer, async |write: &Write<'_>| {
        apply(write, &change).await
    })
    .await
}

#[tokio::test]
async fn alarms_are_read_by_name_and_changed_in_one_call() {
    for (to, action) in [(false, "DisableAlarmActions"), (true, "EnableAlarmActions")] {
        let (result, calls) = sent(change(2, to), [!to, !to]).await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(calls.len(), 3, "two pages and the change");
        assert!(calls[0].contains("AlarmNames.member.1=a0&AlarmNames.member.2=a1"));
        assert_eq!(
            calls[2],
            format!(
                "/ Action={action}&Version=2010-08-01&AlarmNames.member.1=a0&AlarmNames.member.2=a1"
            )
        );
    }
}

#[tokio::test]
async fn alarms_that_somebody_touched_or_deleted_stop_the_change() {
    let drifted = [
        (2, [true, false], "some parts are changed and some are not"),
        (2, [false, false], "it is so already"),
        (3, [true, true], "alarm a2 is not listed"),
    ];
    for (names, enabled, why) in drifted {
        let (result, calls) = sent(change(names, false), enabled).await;
        let expected = ApplyError::drifted("cloudwatch:DisableAlarmActions", why);
        assert_eq!(result, Err(expected));
        assert_eq!(calls.len(), 2);
    }
}

#[tokio::test]
async fn more_than_one_call_takes_is_refused_before_anything_is_asked() {
    for names in [0, 101] {
        let (result, calls) = sent(change(names, false), [true, true]).await;
        let error = result.unwrap_err();
        let said = (error.fate, error.error.class, calls.len());
        assert_eq!(said, (Fate::NotSent, ErrorClass::Terminal, 0));
    }
}
