import { CaError, type ErrorCode } from '../../errors.ts'
import { ocspError } from '../../formats/ocsp.ts'
import type { Log } from '../../http/log.ts'

/** OCSPResponseStatus (RFC 6960 §4.2.1). What we did not issue is `unauthorized` (RFC 9919 §3.2.1.4): nothing is signed for it. */
const responseStatusOf = {
  'malformed-request': 'malformedRequest', 'body-too-large': 'malformedRequest',
  'unsupported-media-type': 'malformedRequest', 'method-not-allowed': 'malformedRequest', 'not-found': 'unauthorized',
  'malformed-der': 'malformedRequest', 'malformed-certificate': 'internalError',
  'malformed-certification-request': 'internalError', 'malformed-crl': 'internalError', 'malformed-cms': 'internalError',
  'malformed-plist': 'internalError', 'malformed-ocsp-request': 'malformedRequest', 'malformed-pkcs12': 'internalError', 'malformed-csv': 'internalError',
  'malformed-rewrite-rules': 'internalError', 'unsupported-rewrite-rules': 'internalError', 'malformed-exchange-export': 'internalError', 'malformed-inventory': 'internalError',
  'malformed-scep-message': 'internalError', 'unsupported-algorithm': 'internalError', 'weak-key': 'internalError',
  'signature-invalid': 'internalError',
  'cms-signer-count': 'internalError', 'cms-signer-certificate-missing': 'internalError',
  'cms-content-missing': 'internalError', 'cms-digest-mismatch': 'internalError',
  'cms-signed-attributes-invalid': 'internalError', 'device-issuer-unknown': 'internalError',
  'device-identity-denied': 'internalError', 'device-certificate-invalid': 'internalError',
  'bad-challenge': 'internalError', 'challenge-expired': 'internalError', 'challenge-used': 'internalError',
  'device-attributes-missing': 'internalError', 'device-attributes-changed': 'internalError',
  'bootstrap-identity-mismatch': 'internalError', 'device-mismatch': 'internalError',
  'invitation-not-found': 'internalError', 'invitation-expired': 'internalError', 'invitation-ended': 'internalError',
  'invitation-used-up': 'internalError', 'enrollment-not-found': 'internalError', 'enrollment-state': 'internalError',
  'renewal-not-allowed': 'internalError', 'evidence-too-old': 'internalError',
  'blocked-by-policy': 'internalError', 'quarantined-by-policy': 'internalError', 'decision-changed': 'internalError',
  'device-model-unknown': 'internalError', 'approval-not-found': 'internalError', 'rule-not-found': 'internalError', 'policy-change-not-found': 'internalError',
  'exemption-not-found': 'internalError', 'malformed-catalogue': 'internalError',
  'certificate-not-found': 'unauthorized', 'certificate-not-held': 'internalError',
  'certificate-already-revoked': 'internalError', 'certificate-expired': 'internalError',
  'certificate-profile-violation': 'internalError', 'authority-not-found': 'unauthorized',
  'authority-exists': 'internalError', 'authority-import-invalid': 'internalError', 'key-unavailable': 'tryLater',
  'key-passphrase-wrong': 'internalError', 'crl-not-published': 'internalError',
  'device-not-found': 'internalError', 'evidence-not-found': 'internalError', 'person-not-found': 'internalError', 'template-not-found': 'internalError',
  'malformed-template': 'internalError', 'front-end-not-found': 'internalError', 'front-end-exists': 'internalError', 'front-end-behind': 'internalError',
  'token-not-found': 'internalError', 'setup-link-invalid': 'internalError', 'unauthorized': 'unauthorized',
  'forbidden': 'unauthorized', 'outside-scope': 'unauthorized', 'last-admin': 'unauthorized', 'conflict': 'tryLater', 'invalid-argument': 'malformedRequest',
  'invalid-configuration': 'internalError', 'database-unavailable': 'tryLater', 'data-folder-locked': 'tryLater',
  'database-too-new': 'tryLater', 'migration-changed': 'tryLater', 'mail-not-configured': 'tryLater', 'rate-limited': 'tryLater',
  'server-unreachable': 'internalError',
} as const satisfies Record<ErrorCode, Parameters<typeof ocspError>[0]>

export function refusalOf(error: unknown, log: Log): Buffer {
  const status = error instanceof CaError ? responseStatusOf[error.code] : 'internalError'
  const failed = status === 'internalError' || status === 'tryLater'
  // A defect's text stays here: it may hold what somebody sent.
  if (failed) log('error', 'ocsp-failed', { code: error instanceof CaError ? error.code : null })
  return ocspError(status)
}
