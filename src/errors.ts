/** Part of the public API: clients branch on these. Add freely, never rename, never reuse. */
export type ErrorCode =
  // bytes that are not what they should be
  | 'malformed-request' | 'body-too-large' | 'unsupported-media-type' | 'method-not-allowed' | 'not-found'
  | 'malformed-der' | 'malformed-certificate' | 'malformed-certification-request' | 'malformed-crl'
  | 'malformed-cms' | 'malformed-plist' | 'malformed-ocsp-request' | 'malformed-pkcs12' | 'malformed-scep-message'
  | 'malformed-csv' | 'malformed-rewrite-rules' | 'unsupported-rewrite-rules' | 'malformed-exchange-export' | 'malformed-inventory'
  | 'unsupported-algorithm' | 'weak-key' | 'signature-invalid'
  // CMS and device evidence
  | 'cms-signer-count' | 'cms-signer-certificate-missing' | 'cms-content-missing' | 'cms-digest-mismatch'
  | 'cms-signed-attributes-invalid' | 'device-issuer-unknown' | 'device-identity-denied' | 'device-certificate-invalid'
  | 'bad-challenge' | 'challenge-expired' | 'challenge-used' | 'device-attributes-missing' | 'device-attributes-changed'
  | 'bootstrap-identity-mismatch' | 'device-mismatch'
  // invitations and enrollment
  | 'invitation-not-found' | 'invitation-expired' | 'invitation-ended' | 'invitation-used-up' | 'enrollment-not-found'
  | 'enrollment-state' | 'renewal-not-allowed' | 'evidence-too-old'
  // policy
  | 'blocked-by-policy' | 'quarantined-by-policy' | 'decision-changed'
  | 'device-model-unknown' | 'approval-not-found' | 'rule-not-found' | 'policy-change-not-found' | 'exemption-not-found' | 'malformed-catalogue'
  // certificates
  | 'certificate-not-found' | 'certificate-not-held' | 'certificate-already-revoked' | 'certificate-expired'
  | 'certificate-profile-violation' | 'authority-not-found' | 'authority-exists' | 'authority-import-invalid'
  | 'key-unavailable' | 'key-passphrase-wrong' | 'crl-not-published'
  // everything else the outside names
  | 'device-not-found' | 'evidence-not-found' | 'person-not-found' | 'template-not-found' | 'malformed-template' | 'front-end-not-found'
  | 'front-end-exists' | 'front-end-behind' | 'token-not-found' | 'setup-link-invalid' | 'unauthorized' | 'forbidden' | 'outside-scope' | 'last-admin' | 'conflict'
  | 'invalid-argument' | 'invalid-configuration' | 'database-unavailable' | 'data-folder-locked' | 'database-too-new' | 'migration-changed'
  | 'mail-not-configured'
  | 'rate-limited' | 'server-unreachable'

/**
 * A refusal the caller can act on. Anything else that is thrown is a defect or an outage,
 * and its text must not leave the process.
 */
export class CaError extends Error {
  readonly code: ErrorCode
  /** @param message for people; may name what the caller sent, never a secret */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CaError'
    this.code = code
  }
}
