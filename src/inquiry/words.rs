//! Words of others, made fit to be kept: without what differs from pod to pod and from try to try, without credentials in
//! addresses, and not longer than needed.

/// The most characters.
const LONGEST: usize = 512;

/// How the API server tells that an admission webhook denied something; then follow the webhook's own words.
const DENIED: &str = "denied the request";

/// Words about a plugin: its pods are called as it is.
pub(super) fn plain(text: &str, pods: &[String], plugin: &str) -> String {
    let mut text = text.to_owned();
    for pod in pods {
        text = text.replace(pod.as_str(), plugin);
    }
    // Who denies something may repeat anything that was sent: that it was denied, and by whom, is enough.
    if let Some((who, _)) = text.split_once(DENIED) {
        text = format!("{who}{DENIED}");
    }
    let text = without_userinfo(&without_uids(&text));
    text.chars().take(LONGEST).collect()
}

/// Without uids: `8-4-4-4-12` hexadecimal digits.
fn without_uids(text: &str) -> String {
    const LENGTH: usize = 36;
    let is_uid = |part: &str| uuid::Uuid::try_parse(part).is_ok();
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.get(..LENGTH) {
            Some(part) if is_uid(part) => {
                plain.push('…');
                rest = &rest[LENGTH..];
            }
            _ => {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    plain
}

/// Without the user and password of URLs.
fn without_userinfo(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        plain.push_str(before);
        let end = after
            .find(|c: char| c == '/' || c == '"' || c.is_whitespace())
            .unwrap_or(after.len());
        let authority = &after[..end];
        plain.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        rest = &after[end..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_differs_from_pod_to_pod_is_left_out() {
        let pods = ["crm-6c9f5d7b8-x2k4p".to_owned()];
        let told =
            "Stopping container plugin of crm-6c9f5d7b8-x2k4p_acme(0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0)";
        assert_eq!(
            plain(told, &pods, "crm"),
            "Stopping container plugin of crm_acme(…)"
        );
    }

    #[test]
    fn credentials_in_addresses_are_left_out() {
        let told = "failed calling webhook: Post \"https://admin:hunter22@hook.test:443/v\": dial tcp: é";
        assert_eq!(
            plain(told, &[], "crm"),
            "failed calling webhook: Post \"https://hook.test:443/v\": dial tcp: é"
        );
    }

    #[test]
    fn what_a_webhook_repeats_is_not_kept() {
        let told = "Error creating: admission webhook \"w.test\" denied the request: TOKEN=hunter22";
        assert_eq!(
            plain(told, &[], "crm"),
            "Error creating: admission webhook \"w.test\" denied the request"
        );
    }

    #[test]
    fn words_are_not_kept_at_any_length() {
        assert_eq!(plain(&"é".repeat(2000), &[], "crm").chars().count(), 512);
    }
}
