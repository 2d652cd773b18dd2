/* The vocabulary of conditions and reasons that users see; one list for all services. */
#ifndef LIB_PLAN_REASONS_H
#define LIB_PLAN_REASONS_H

/* Condition types. True is always the good news; UnusedFields alone is the other way round. */
#define COND_ACCEPTED "Accepted"	  /* the object itself is valid */
#define COND_RESOLVED_REFS "ResolvedRefs" /* everything it names exists and may be used */
#define COND_BUILT "Built"		  /* an image for the current content exists */
#define COND_PROGRAMMED "Programmed"	  /* workload applied, rolled out, available */
#define COND_PUBLISHED "Published"	  /* the policy is in the namespace's policy document */
#define COND_EXPOSED "Exposed"		  /* the endpoint is known; never part of Ready */
#define COND_POLICIES_RESOLVED                                                                     \
	"PoliciesResolved" /* every tier named exists; never part of Ready                         \
			    */
#define COND_CERTIFICATES_VALID                                                                    \
	"CertificatesValid"		  /* inside validity dates; never part of Ready            \
					   */
#define COND_UNUSED_FIELDS "UnusedFields" /* accepted without effect; never part of Ready */
#define COND_READY "Ready"
#define COND_RECONCILING "Reconciling" /* kstatus */
#define COND_STALLED "Stalled"	       /* kstatus */

/* Accepted */
#define REASON_VALID "Valid"
#define REASON_AMBIGUOUS_DEFINITION "AmbiguousDefinition"
#define REASON_INVALID_DEFINITION "InvalidDefinition"
#define REASON_INVALID_FIELD "InvalidField"
#define REASON_UNKNOWN_TYPE "UnknownType"
#define REASON_UNKNOWN_MODE "UnknownMode"
#define REASON_INVALID_ENV "InvalidEnvironmentVariable"
/* ResolvedRefs */
#define REASON_RESOLVED "Resolved"
#define REASON_DEFINITION_NOT_FOUND "DefinitionNotFound"
#define REASON_SECURITY_NOT_FOUND "SecurityNotFound"
#define REASON_SECURITY_NOT_READY "SecurityNotReady"
#define REASON_SECRET_NOT_FOUND "SecretNotFound"
#define REASON_INVALID_SECRET "InvalidSecret"
#define REASON_CONFIG_MAP_NOT_FOUND "ConfigMapNotFound"
#define REASON_TARGET_ENDPOINT_NOT_FOUND "TargetEndpointNotFound"
#define REASON_TARGET_ENDPOINT_INVALID "TargetEndpointInvalid"
#define REASON_SIDECAR_CONFLICT "SidecarConflict"
#define REASON_REF_NOT_PERMITTED "RefNotPermitted"
/* Built */
#define REASON_BUILD_PENDING "BuildPending"
#define REASON_BUILD_RUNNING "BuildRunning"
#define REASON_BUILD_SUCCEEDED "BuildSucceeded"
#define REASON_IMAGE_EXISTS "ImageExists"
#define REASON_IMAGE_PROVIDED "ImageProvided"
#define REASON_BUILD_FAILED "BuildFailed"
#define REASON_BUILD_DEADLINE "BuildDeadlineExceeded"
#define REASON_REGISTRY_UNAVAILABLE "RegistryUnavailable"
#define REASON_REGISTRY_DENIED "RegistryDenied"
#define REASON_REGISTRY_NOT_CONFIGURED "RegistryNotConfigured"
#define REASON_INTERCEPTOR "InterceptorNotSupported"
/* Programmed */
#define REASON_APPLIED "Applied"
#define REASON_PROGRESSING "Progressing"
#define REASON_UNAVAILABLE "Unavailable"
#define REASON_NO_WORKLOAD "NoWorkload"
#define REASON_NOT_STARTED "NotStarted"
/* Published */
#define REASON_PUBLISHED "Published"
#define REASON_NAME_CONFLICT "NameConflict"
/* Exposed */
#define REASON_ADDRESS_ASSIGNED "AddressAssigned"
#define REASON_ADDRESS_PENDING "AddressPending"
#define REASON_CLUSTER_INTERNAL "ClusterInternal"
#define REASON_BASE_PATH_CONFLICT "BasePathConflict"
#define REASON_KIND_NOT_SERVED "KindNotServed"	   /* the CRD of the mode is not installed */
#define REASON_GATEWAY_NOT_FOUND "GatewayNotFound" /* Istio's */
#define REASON_NOT_ADMITTED "NotAdmitted"	   /* no router takes the Route */
/* others */
#define REASON_POLICY_NOT_FOUND "PolicyNotFound"
#define REASON_CERT_EXPIRED "CertificateExpired"
#define REASON_CERT_NOT_YET_VALID "CertificateNotYetValid"
#define REASON_CERT_EXPIRES_SOON "CertificateExpiresSoon"
#define REASON_FIELDS_IGNORED "FieldsIgnored"
#define REASON_NONE_IGNORED "NoFieldsIgnored"
#define REASON_BLOCKED "Blocked"	    /* waits for an earlier condition of the same object */
#define REASON_STILL_CALLED "StillCalled"   /* Reconciling: gateways are not replaced yet */
#define REASON_NOT_SUPPORTED "NotSupported" /* valid, but this version cannot do it */
#define REASON_INVALID_CONFIGURATION "InvalidConfiguration" /* events only */

/* Labels and annotations on everything we make. */
#define LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define LABEL_PART_OF "app.kubernetes.io/part-of"
#define PART_OF "apim.wso2.com"
#define LABEL_OWNER_KIND "apim.wso2.com/owner-kind" /* subject token: "api", "security", … */
#define LABEL_OWNER "apim.wso2.com/owner" /* name of the root object, in the child's namespace */
#define ANNOTATION_GENERATION "apim.wso2.com/generation"
#define ANNOTATION_TRACE "apim.wso2.com/traceparent"
/* On ConfigMap <api>-dockerfile: what api-svc wants built and what builder-svc made of it (both
 * JSON objects). */
#define ANNOTATION_BUILD "apim.wso2.com/build"
#define ANNOTATION_BUILD_RESULT "apim.wso2.com/build-result"

#endif
