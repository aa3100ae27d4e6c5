//! What may be told of an error of the API server, whose words may repeat anything that was sent.

/// An error of the API server for the log: its code, its reason and the fields that it names, and not its words.
#[must_use]
pub(crate) fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => {
            let fields = fields(error).join(", ");
            let at = if fields.is_empty() { "" } else { " at " };
            format!("{} {}{at}{fields}", status.code, status.reason)
        }
        // Errors of parsing repeat what they parse.
        kube::Error::SerdeError(_) => "an answer of a form that is not expected".to_owned(),
        other => other.to_string(),
    }
}

/// The fields that the API server names in its refusal.
#[must_use]
pub(crate) fn fields(error: &kube::Error) -> Vec<String> {
    let kube::Error::Api(status) = error else {
        return Vec::new();
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .map(|cause| cause.field.clone())
        .filter(|field| !field.is_empty())
        .collect()
}
