//! The table of reasons: one row a reason, with the party, layer and resolution that it has unless a rule says
//! otherwise, and the next step for a person. Everything that names a reason (conditions, metrics, documentation) is
//! made from this table.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{Layer, Party, Resolution};

/// What a reason means unless a rule of the judge says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct ReasonRow {
    /// The stable word.
    pub name: &'static str,
    /// Whose fault it is.
    pub party: Party,
    /// Where in the chain of causes.
    pub layer: Layer,
    /// What makes it go away.
    pub resolution: Resolution,
    /// The next step, for a person.
    pub action: &'static str,
    /// What it means, for the catalogue.
    pub meaning: &'static str,
}

macro_rules! reasons {
    ($($name:ident $party:ident $layer:ident $resolution:ident $action:literal $meaning:literal;)+) => {
        /// Why something does not work: a closed set of stable words.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Reason {
            $(#[doc = $meaning] $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The row of the table.
            #[must_use]
            pub const fn row(self) -> ReasonRow {
                match self {
                    $(Self::$name => ReasonRow {
                        name: stringify!($name),
                        party: Party::$party,
                        layer: Layer::$layer,
                        resolution: Resolution::$resolution,
                        action: $action,
                        meaning: $meaning,
                    },)+
                }
            }
        }
    };
}

reasons! {
    InvalidSpec Config Spec SpecChange
        "Correct the named field and apply the object again"
        "A field of the object is not usable; the message names it";
    CoreNotFound Config References External
        "Create the WazoCore that spec.coreRef names, or correct the reference"
        "The WazoCore does not exist";
    CoreNotGranted Config References External
        "Correct spec.coreRef, or ask who runs the WazoCore for a grant (its spec.grants) to this namespace"
        "The WazoCore of another namespace does not exist, or grants nothing to this namespace: which of both is not told";
    NotGranted Config References External
        "Ask who runs the WazoCore to grant it (its spec.grants), or take it out of the spec"
        "The plugin asks for a kind of registration or a tenant that the WazoCore does not grant";
    CoreSuspended Config References External
        "Set spec.suspend of the WazoCore to false"
        "The WazoCore is suspended while work is pending";
    CredentialsMissing Config References External
        "Create the Secret with the keys username and password"
        "The credentials Secret or a key of it is missing";
    CaBundleMissing Config References External
        "Point spec.caBundle to a ConfigMap key with the certificate authority of the core"
        "The certificate authority of the core is not known here, or its ConfigMap or key is missing";
    CaBundleInvalid Config References External
        "Put at least one PEM certificate into the ConfigMap key"
        "The CA bundle holds no PEM certificate";
    CoreUrlWrong Config CoreTransport SpecChange
        "Set spec.url to the address of the stack, as in https://stack.example"
        "Something answers at the URL, but not a Wazo core, or the name never resolved";
    CoreUnreachable Core CoreTransport Retry
        "Ask who runs the core: nothing accepts connections there"
        "Connections to the core are refused or broken";
    CorePathTimeout Path CoreTransport Retry
        "Check firewalls and routes between the cluster and the core"
        "Connections to the core time out";
    CoreNameNotResolving Cluster DNS Retry
        "Check the cluster's DNS and the core's DNS records"
        "The core's name resolved before and does not now";
    CoreCertificateInvalid Core CoreTransport External
        "Ask who runs the core to renew its certificate"
        "The core's certificate is expired or not yet valid";
    CertificateChangedInCore Core CoreTransport External
        "Ask who runs the core for its new certificate authority and put it into the CA bundle"
        "The core's certificate was trusted before and is not now, with our CA bundle unchanged";
    EgressProxy Cluster CoreTransport External
        "Let the operator's requests to the core pass without a proxy or portal that answers itself: see the address in the evidence"
        "A proxy or portal between the cluster and the core answers in the core's place";
    CoreVersionUnsupported Config CoreAPI External
        "Upgrade the stack, or install the daemon that is named: this version of its API is not there"
        "The stack does not serve a daemon, or the version of its API, that is needed";
    CoreSlow Core CoreAPI Retry
        "Ask who runs the core to look at the load of the daemon that is named"
        "A daemon answers far slower than it did, without errors";
    CoreServiceDown Core CoreAPI Retry
        "Ask who runs the core to look at the daemon that is named"
        "The core's front answers, the daemon behind it does not";
    CoreAuthDown Core CoreAuth Retry
        "Ask who runs the core to look at wazo-auth and its database"
        "wazo-auth does not work";
    CoreServerError Core CoreAPI Retry
        "Ask who runs the core; the trace id is in the daemon's log"
        "A daemon answers with server errors";
    CoreEventsDegraded Core CoreEvents Retry
        "Ask who runs the core to look at RabbitMQ"
        "A daemon reports that a part of it fails";
    StackChanged Config CoreTransport External
        "Point spec.url back to the stack of status.stack; to take the new one, annotate the WazoCore with plugins.wazo.io/accept-stack and its uuid"
        "Another stack (uuid) answers at the URL than the one that the plugins are registered with: nothing is written to it";
    CoreThrottled Operator CoreAPI Retry
        "Lower spec.requestsPerSecond of the WazoCore"
        "The core's front refuses requests that come too fast";
    CoreSessionsExhausted Operator CoreAuth Retry
        "Close sessions of the account: a user has at most 100"
        "The account has too many live tokens";
    CoreCredentialsRejected Config CoreAuth External
        "Correct username and password in the credentials Secret"
        "wazo-auth refuses the credentials";
    CredentialsChangedInCore Config CoreAuth External
        "The password was changed in the core: put the new one into the credentials Secret"
        "wazo-auth accepted the credentials before and refuses them now, with our Secret unchanged";
    CoreForbidden Config CoreAuth External
        "Give the core account the rights that status.missingPermissions lists"
        "The core account lacks a right";
    PermissionChangedInCore Config CoreAuth External
        "Rights were taken from the core account: give back what status.missingPermissions lists"
        "The core account had the right before and lacks it now";
    TenantNotAllowed Config CoreAuth External
        "Set spec.tenant of the WazoCore to a tenant that the account may act in"
        "The core account may not act in the tenant";
    TenantNotFound Config Registration SpecChange
        "Correct the tenant that the field names, or give the core account its tenant"
        "A tenant that the spec names does not exist, or the core account does not see it";
    UserNotFound Config Registration SpecChange
        "Correct the user that the field names"
        "A user that the spec names does not exist, or is in none of the plugin's tenants";
    CoreConflict Config Registration External
        "Correct manifest_urls of the named application in the core: a list of URLs, or text"
        "An object in the core has a form that cannot be edited safely";
    RequestRejected Operator Registration Retry
        "Report this to the operator's maintainers with the evidence"
        "The core refuses a request as invalid that nothing in the spec explains";
    CoreCredentialsExposed Config Spec SpecChange
        "Remove the named field: for credentials of the plugin's own, declare registrations.account"
        "The workload mentions the Secret with the credentials of a WazoCore";
    NameTaken Config References External
        "Rename the plugin, or remove the object of the same name that the operator did not make"
        "An object of a child's name exists that the operator did not make";
    OperatorForbidden Operator KubeAPI External
        "Give the operator's ServiceAccount the right that the message names: install the chart's RBAC"
        "The API server refuses a request of the operator";
    ApplyRejected Config Admission External
        "Read the API server's message: it names the field"
        "The API server refuses a child object";
    PolicyDenied Cluster Admission External
        "Ask who runs the cluster about the policy that is named"
        "An admission policy or webhook refuses a child object";
    WebhookUnavailable Cluster Admission Retry
        "Ask who runs the cluster about the admission webhook that is named: it does not answer"
        "An admission webhook that must be asked does not answer";
    PodSecurityViolated Cluster Admission External
        "Ask who runs the cluster about the namespace's Pod Security level"
        "The namespace's Pod Security level refuses the pods";
    QuotaExceeded Cluster Quota External
        "Raise the namespace's ResourceQuota, or free what uses it"
        "The namespace's quota is used up";
    ImageNotFound Config Image SpecChange
        "Correct spec.workload.image, or push the image"
        "The registry says that the image does not exist";
    InvalidImageName Config Spec SpecChange
        "Correct spec.workload.image"
        "The image's name is not a valid reference";
    PullSecretRejected Config References External
        "Correct spec.workload.imagePullSecrets and the Secrets that it names"
        "The registry refuses the credentials, or asks for some";
    RegistryUntrusted Cluster Image External
        "Install the registry's certificate authority on the nodes"
        "The nodes do not trust the registry's certificate";
    RegistryUnreachable Cluster Image Retry
        "Check the nodes' way to the registry"
        "The nodes do not reach the registry";
    RegistryFailing Dependency Image Retry
        "Wait, or ask who runs the registry: it answers with errors of its own"
        "The registry answers with an error of its own";
    RegistryThrottled Dependency Image Retry
        "Wait, or use another registry or a mirror"
        "The registry limits the rate of pulls";
    ArchitectureUnsupported Partner Image External
        "Build the image for the nodes' architecture"
        "The image has no variant for the nodes' architecture";
    TagMoved Partner Image External
        "Give each release a tag of its own, or name the image by its digest, and roll the plugin out again"
        "Pods of one revision run different images under the same tag";
    ImagePullFailed Unknown Image Retry
        "Read the kubelet's message"
        "The image cannot be pulled, for a reason that is not recognised";
    Unschedulable Cluster Scheduling External
        "Read the scheduler's message: add capacity, or lower spec.workload.resources"
        "No node can run the pod";
    NoCapacity Cluster Scheduling External
        "Add nodes, or free what others use: no node has room for what the pod asks for"
        "The nodes that could run the pod are full";
    RequestTooLarge Config Scheduling External
        "Lower spec.workload.resources.requests: no node is as large"
        "The pod asks for more than the largest node has";
    NoNodeMatches Config Scheduling External
        "Correct the affinity, node selector or spread of spec.workload.podTemplate, or label nodes for it"
        "No node is of the kind that the pod asks for";
    NodesUnavailable Cluster Node External
        "Ask who runs the cluster: all nodes are cordoned, not ready or under pressure"
        "Every node is kept free of new pods";
    NodeNotReady Cluster Node Retry
        "Ask who runs the cluster about the nodes that are named"
        "All nodes of the plugin's pods are away";
    NodeUnderPressure Cluster Node Retry
        "Ask who runs the cluster about the nodes that are named: they are short of memory, disk or processes"
        "All nodes of the plugin's pods are short of something, and the pods show it";
    NodeOutOfMemory Cluster Node Retry
        "Ask who runs the cluster: the node has too little memory for what runs on it"
        "The node ran out of memory and killed the process, which kept its own limit";
    VolumeNotBound Cluster Volume External
        "Ask who runs the cluster about the storage of the PersistentVolumeClaim, or correct the claim"
        "A PersistentVolumeClaim of the pods is not bound";
    VolumeNotMounted Cluster Volume Retry
        "Ask who runs the cluster about the storage: kubectl describe pod tells more"
        "The node cannot mount or attach a volume of the pod";
    SandboxFailed Cluster Sandbox Retry
        "Ask who runs the cluster about the network plugin and the container runtime of the node"
        "The node cannot make the pod's sandbox";
    ReferenceMissing Config References External
        "Create the Secret, ConfigMap or key that the message names"
        "The pod refers to something that does not exist";
    ImageRunsAsRoot Partner Image External
        "Build the image with a numeric USER other than 0"
        "The image wants to run as root";
    CommandNotStarted Partner Container External
        "Correct the image's entry point"
        "The container's command cannot be started";
    ProcessExited Partner Container External
        "Read the container's log: kubectl logs with --previous"
        "The container's process exits with an error";
    ProcessCrashed Partner Container External
        "Read the container's log: the process was ended by a signal of its own making"
        "The container's process crashes";
    ProcessCompleted Partner Container External
        "The image must run a server: its process ends by itself"
        "The container's process ends without an error";
    OutOfMemory Partner Container External
        "Let the process use less memory, or raise spec.workload.resources.limits.memory"
        "The container uses more memory than its limit";
    StorageLimitExceeded Partner Container External
        "Let the process write less to its disk, or raise the ephemeral-storage limit"
        "The pod was ended because it wrote more to its disk than its limit";
    PodsEvicted Cluster Node Retry
        "Ask who runs the cluster: the nodes evicted the pods"
        "Pods were evicted or preempted";
    NotListening Partner Probe External
        "Let the process listen on spec.workload.port, or correct the port"
        "Nothing listens on the port in the running container";
    ReportsUnhealthy Partner Probe External
        "Look at what the readiness path answers"
        "The readiness path answers with an error";
    ProbeTimeout Partner Probe External
        "Let the readiness path answer faster"
        "The readiness path does not answer in time";
    LivenessKilled Partner Probe External
        "Let the path of the liveness or startup probe answer in time"
        "The kubelet ends the container because its liveness or startup probe fails";
    NotReady Unknown Probe Retry
        "Look at the pods: kubectl describe pods"
        "Pods run but are not ready, and no probe tells why";
    ServiceNotFound Config Service External
        "Create the Service that spec.serviceRef names, or correct the name"
        "The Service of spec.serviceRef does not exist";
    ServiceUnusable Config Service External
        "Correct spec.serviceRef: name a Service of yours that leads to pods, and one of its ports"
        "The Service of spec.serviceRef has no such port, or is of a kind that cannot be exposed";
    NoReadyEndpoints Partner Service External
        "Look at the pods behind the Service: none of them is ready"
        "No endpoint of the Service of spec.serviceRef is ready";
    ServiceUnreachable Cluster Service Retry
        "Check the cluster's Service network and its policies: the pods answer, their Service does not"
        "The plugin's Service does not accept connections, and its pods do";
    SelectorMismatch Operator Service Retry
        "Report this to the operator's maintainers with the evidence"
        "The operator's own Service does not lead to the plugin's pods";
    NetworkBlocked Cluster NetworkPolicy External
        "Let policies admit connections to the plugin's pods on spec.workload.port from the gateway and the operator"
        "The kubelet finds the pods ready, and nobody else reaches them";
    RolloutDeadlineExceeded Unknown Container External
        "Look at the pods: kubectl describe pods"
        "The rollout did not end in time, for no known reason";
    GatewayApiMissing Cluster Route External
        "Install the Gateway API and a Gateway controller"
        "The cluster does not serve the Gateway API";
    GatewayNotFound Config Route External
        "Correct spec.expose.gateway, or create the Gateway"
        "The Gateway does not exist";
    GatewayNotProgrammed Cluster Route External
        "Ask who runs the Gateway"
        "The Gateway is not programmed";
    NoRouteController Cluster Route External
        "Ask who runs the Gateway: no controller answers for it"
        "No Gateway controller has looked at the route";
    RouteNotAccepted Config Route External
        "Correct spec.expose: the Gateway's listeners do not take this route"
        "The Gateway does not accept the route";
    RouteBackendNotFound Operator Service Retry
        "Report this to the operator's maintainers with the evidence"
        "The Gateway does not find the Service that the operator made";
    IngressClassNotFound Config Route External
        "Correct spec.expose.ingress.className, or create the IngressClass"
        "The IngressClass does not exist, or none is named and the cluster has no default";
    IngressNotServed Cluster Route External
        "Ask who runs the Ingress controller: nothing publishes an address for the Ingress"
        "No controller says where the Ingress is reached, and the public address does not answer well";
    HostConflict Config Route SpecChange
        "Choose another spec.expose.host or spec.expose.path, or ask the namespace that has it to let it go"
        "Another WazoPlugin had the public host, or this path of it, first";
    HostNotResolving Config DNS External
        "Create a DNS record for spec.expose.host that points to the Gateway"
        "The public host name does not resolve";
    ClusterDnsDown Cluster DNS Retry
        "Ask who runs the cluster about its DNS"
        "The cluster's resolver answers for no name";
    AddressRefused Config DNS External
        "Point the host name to the Gateway's address, or allow the range in the operator's chart (probe.allowedCIDRs)"
        "The public host name resolves to an address that the operator must not connect to";
    PublicAddressUnreachable Cluster Route Retry
        "Check the Gateway and the way to it: the pods answer, the public address does not"
        "The public address does not accept connections";
    PublicCertificateInvalid Cluster Certificate External
        "Give the Gateway's listener, or the Ingress, a certificate that browsers accept for the host name"
        "The public address's certificate is not valid for the host, expired, not yet valid or not trusted";
    CertificateSecretNotFound Config Certificate External
        "Create the Secret that spec.expose.ingress.tls.secretName names, let an issuer make it, or correct the name"
        "The Secret of the Ingress's certificate does not exist";
    CertificateSecretUnusable Config Certificate External
        "Let spec.expose.ingress.tls.secretName name a Secret of type kubernetes.io/tls with a certificate in tls.crt"
        "The Secret of the Ingress's certificate is of another type, or holds no certificate";
    CertificateSecretInvalid Config Certificate External
        "Put a certificate for spec.expose.host that is valid now into the Secret, or let its issuer renew it"
        "The certificate in the Ingress's Secret is expired, not yet valid or for another host";
    GatewayError Cluster Route Retry
        "Look at the Gateway's log: the pods answer, the Gateway does not pass it on"
        "The public address answers with an error although the pods answer well";
    CorsLostOnTheWay Cluster Route External
        "Let the Gateway pass the Access-Control-Allow-Origin header"
        "The pods send the CORS header, the public address does not";
    ManifestNotFound Config Manifest External
        "Correct registrations.ui[].manifest: the pods answer 404 there"
        "The plugin answers 404 for the manifest";
    ManifestUnavailable Partner Manifest External
        "Let the plugin answer the manifest's path with 200"
        "The plugin answers the manifest's path with an error";
    ManifestRedirects Partner Manifest External
        "Serve the manifest itself instead of a redirect"
        "The manifest's address redirects too often";
    ManifestTooLarge Partner Manifest External
        "Serve a manifest of at most 1 MiB"
        "The manifest is larger than 1 MiB";
    ManifestInvalid Partner Manifest External
        "Correct the manifest at the JSON path that the message names"
        "The manifest is not valid";
    CorsMissing Partner Manifest External
        "Send Access-Control-Allow-Origin for requests with an Origin header"
        "The plugin does not allow browsers of other origins to read the manifest";
    FramingForbidden Partner Manifest External
        "Do not send X-Frame-Options or a CSP frame-ancestors that keeps the Wazo application out"
        "The plugin's page forbids to be shown in a frame";
    AclNotGranted Config Registration External
        "Ask for what the WazoCore grants, or let its owner add to spec.grants[].acl (with Account in spec.grants[].registrations)"
        "The account asks for more than the WazoCore grants";
    AccountChangedInCore Config Registration External
        "Undo the change of the account in the core, or set spec.drift to Correct: the operator puts it right then"
        "Somebody changed the plugin's account in the core, and spec.drift is Report";
    AclForbidden Config Registration SpecChange
        "Ask for less: no grant gives a plugin's account what the message names"
        "The account asks for something that no plugin may have";
    OperatorError Operator Operator Retry
        "Report this to the operator's maintainers with the operator's log"
        "The operator failed at something that is not explained by anything else";
}

impl Reason {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    /// `docs/reasons.md`, as the table makes it. The words are an interface: one that disappears from the file is seen
    /// in review.
    fn catalogue() -> String {
        let mut text = String::from(
            "# Reasons\n\nMade from the table in `src/api/reason.rs` (`UPDATE_DOCS=1 cargo test --lib reason`). A rule of the judge may \
             name another party where it knows better; `docs/faults.md` says when.\n\n\
             | reason | party | layer | resolution | what it means | next step |\n|---|---|---|---|---|---|\n",
        );
        for reason in Reason::ALL {
            let row = reason.row();
            text += &format!(
                "| `{}` | {:?} | {:?} | {:?} | {} | {} |\n",
                row.name, row.party, row.layer, row.resolution, row.meaning, row.action
            );
        }
        text
    }

    #[test]
    fn the_catalogue_of_reasons_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reasons.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, catalogue()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            catalogue(),
            "run with UPDATE_DOCS=1"
        );
    }

    #[test]
    fn every_reason_says_what_it_means_and_what_to_do_next() {
        for reason in Reason::ALL {
            let row = reason.row();
            assert!(!row.action.is_empty() && !row.meaning.is_empty(), "{reason}");
            assert!(!row.action.ends_with('.') && row.action.len() <= 200, "{reason}");
        }
    }
}
