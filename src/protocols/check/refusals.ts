import { CaError, type ErrorCode } from '../../errors.ts'

/** A front end understands two refusals: this client may not, or nobody can be sure. */
const statusOf = {
  'malformed-request': 403, 'body-too-large': 403, 'unsupported-media-type': 403, 'method-not-allowed': 403,
  'not-found': 403, 'malformed-der': 403, 'malformed-certificate': 403, 'malformed-certification-request': 403,
  'malformed-crl': 403, 'malformed-cms': 403, 'malformed-plist': 403, 'malformed-ocsp-request': 403,
  'malformed-pkcs12': 403, 'malformed-csv': 403, 'malformed-rewrite-rules': 403, 'unsupported-rewrite-rules': 403, 'malformed-exchange-export': 403, 'malformed-inventory': 403, 'malformed-scep-message': 403, 'unsupported-algorithm': 403, 'weak-key': 403,
  'signature-invalid': 403,
  'cms-signer-count': 403, 'cms-signer-certificate-missing': 403, 'cms-content-missing': 403, 'cms-digest-mismatch': 403,
  'cms-signed-attributes-invalid': 403, 'device-issuer-unknown': 403, 'device-identity-denied': 403,
  'device-certificate-invalid': 403, 'bad-challenge': 403, 'challenge-expired': 403, 'challenge-used': 403,
  'device-attributes-missing': 403, 'device-attributes-changed': 403, 'bootstrap-identity-mismatch': 403,
  'device-mismatch': 403,
  'invitation-not-found': 403, 'invitation-expired': 403, 'invitation-ended': 403, 'invitation-used-up': 403,
  'enrollment-not-found': 403, 'enrollment-state': 403, 'renewal-not-allowed': 403, 'evidence-too-old': 403,
  'blocked-by-policy': 403, 'quarantined-by-policy': 403, 'decision-changed': 403, 'device-model-unknown': 403,
  'approval-not-found': 403, 'rule-not-found': 403, 'policy-change-not-found': 403, 'exemption-not-found': 403, 'malformed-catalogue': 403,
  'certificate-not-found': 403, 'certificate-not-held': 403, 'certificate-already-revoked': 403, 'certificate-expired': 403,
  'certificate-profile-violation': 503, 'authority-not-found': 403, 'authority-exists': 403,
  'authority-import-invalid': 403, 'key-unavailable': 503, 'key-passphrase-wrong': 503, 'crl-not-published': 503,
  'device-not-found': 403, 'evidence-not-found': 403, 'person-not-found': 403, 'template-not-found': 403, 'malformed-template': 403,
  'front-end-not-found': 403, 'front-end-exists': 403, 'front-end-behind': 503, 'token-not-found': 403, 'setup-link-invalid': 403,
  'unauthorized': 403, 'forbidden': 403, 'outside-scope': 403, 'last-admin': 403, 'conflict': 503, 'invalid-argument': 403, 'invalid-configuration': 503,
  'database-unavailable': 503, 'data-folder-locked': 503, 'database-too-new': 503, 'migration-changed': 503,
  'mail-not-configured': 503, 'rate-limited': 503, 'server-unreachable': 503,
} as const satisfies Record<ErrorCode, 403 | 503>

/** Who cannot be sure says no: whatever is not a refusal of ours is an outage. */
export const refusalStatus = (error: unknown): 403 | 503 => error instanceof CaError ? statusOf[error.code] : 503
