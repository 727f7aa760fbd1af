import type { ErrorCode } from '../../errors.ts'
import { failInfos } from '../../formats/scep-message.ts'

type FailInfo = keyof typeof failInfos

/**
 * What SCEP says to each refusal (RFC 8894 §3.2.1.4); what cannot happen in a request is badRequest.
 * Everything from the moment of decryption on that could tell one bad message from another is badMessageCheck.
 */
const failInfoOf = {
  'malformed-request': 'badRequest', 'body-too-large': 'badRequest', 'unsupported-media-type': 'badRequest', 'method-not-allowed': 'badRequest', 'not-found': 'badRequest',
  'malformed-der': 'badMessageCheck', 'malformed-certificate': 'badMessageCheck', 'malformed-certification-request': 'badMessageCheck', 'malformed-crl': 'badRequest',
  'malformed-cms': 'badMessageCheck', 'malformed-plist': 'badRequest', 'malformed-ocsp-request': 'badRequest', 'malformed-pkcs12': 'badRequest', 'malformed-csv': 'badRequest',
  'malformed-rewrite-rules': 'badRequest', 'unsupported-rewrite-rules': 'badRequest', 'malformed-exchange-export': 'badRequest', 'malformed-inventory': 'badRequest',
  'malformed-scep-message': 'badMessageCheck', 'unsupported-algorithm': 'badAlg', 'weak-key': 'badAlg', 'signature-invalid': 'badMessageCheck',
  'cms-signer-count': 'badMessageCheck', 'cms-signer-certificate-missing': 'badMessageCheck', 'cms-content-missing': 'badMessageCheck',
  'cms-digest-mismatch': 'badMessageCheck', 'cms-signed-attributes-invalid': 'badMessageCheck', 'device-issuer-unknown': 'badRequest',
  'device-identity-denied': 'badRequest', 'device-certificate-invalid': 'badRequest', 'bad-challenge': 'badRequest', 'challenge-expired': 'badRequest',
  'challenge-used': 'badRequest', 'device-attributes-missing': 'badRequest', 'device-attributes-changed': 'badRequest', 'bootstrap-identity-mismatch': 'badRequest',
  'device-mismatch': 'badRequest', 'invitation-not-found': 'badRequest', 'invitation-expired': 'badRequest', 'invitation-ended': 'badRequest',
  'invitation-used-up': 'badRequest', 'enrollment-not-found': 'badRequest', 'enrollment-state': 'badRequest', 'renewal-not-allowed': 'badRequest',
  'evidence-too-old': 'badRequest', 'blocked-by-policy': 'badRequest', 'quarantined-by-policy': 'badRequest', 'decision-changed': 'badRequest',
  'device-model-unknown': 'badRequest', 'approval-not-found': 'badRequest', 'rule-not-found': 'badRequest', 'policy-change-not-found': 'badRequest', 'exemption-not-found': 'badRequest',
  'malformed-catalogue': 'badRequest', 'certificate-not-found': 'badCertId', 'certificate-not-held': 'badRequest', 'certificate-already-revoked': 'badRequest',
  'certificate-expired': 'badRequest', 'certificate-profile-violation': 'badRequest', 'authority-not-found': 'badRequest', 'authority-exists': 'badRequest',
  'authority-import-invalid': 'badRequest', 'key-unavailable': 'badRequest', 'key-passphrase-wrong': 'badRequest', 'crl-not-published': 'badRequest',
  'device-not-found': 'badRequest', 'evidence-not-found': 'badRequest', 'person-not-found': 'badRequest', 'template-not-found': 'badRequest', 'malformed-template': 'badRequest',
  'front-end-not-found': 'badRequest', 'front-end-exists': 'badRequest', 'front-end-behind': 'badRequest', 'token-not-found': 'badRequest', 'setup-link-invalid': 'badRequest',
  'unauthorized': 'badRequest', 'forbidden': 'badRequest', 'outside-scope': 'badRequest', 'last-admin': 'badRequest', 'conflict': 'badRequest', 'invalid-argument': 'badRequest', 'invalid-configuration': 'badRequest',
  'database-unavailable': 'badRequest', 'data-folder-locked': 'badRequest', 'database-too-new': 'badRequest', 'migration-changed': 'badRequest', 'server-unreachable': 'badRequest', 'mail-not-configured': 'badRequest', 'rate-limited': 'badRequest',
} satisfies Record<ErrorCode, FailInfo>

export const failInfoFor = (code: ErrorCode): string => failInfos[failInfoOf[code]]
