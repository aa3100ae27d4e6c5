//! How fast a stack is asked.

use std::sync::Arc;

use tokio::time::Instant;

use super::fake::{Fake, FakeWires};
use crate::core::stack::Stack;
use crate::core::{Intervals, StackUrl, WireFactory};
use crate::keys::CoreKey;

/// How many seconds a hundred requests take.
async fn seconds(stack: &Stack) -> u64 {
    let start = Instant::now();
    for _ in 0..100 {
        stack.limiter.turn().await;
    }
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn of_the_cores_that_a_stack_lets_in_the_most_careful_one_says_how_fast_it_is_asked() {
    let url = StackUrl::try_from("https://stack.example").unwrap();
    let wire = FakeWires(Fake::new()).wire(&url, None).unwrap();
    let stack = Arc::new(Stack::new(url, None, wire, 20, &Intervals::default()));
    let [one, two] = ["one", "two"].map(|name| CoreKey::new("acme", name));
    assert!((4..=5).contains(&seconds(&stack).await));
    stack.allow(&one, Some(10));
    stack.allow(&two, Some(50));
    assert!((9..=10).contains(&seconds(&stack).await));
    stack.allow(&one, None);
    assert!((1..=3).contains(&seconds(&stack).await));
    stack.allow(&two, None);
    assert!((1..=3).contains(&seconds(&stack).await), "as the last one said");
}
