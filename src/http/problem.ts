import { CaError, type ErrorCode } from '../errors.ts'

/** A problem document (RFC 9457); `code` is the last part of `type`, for those who branch on it. */
export type Problem = { type: string, title: string, status: number, detail?: string, code?: ErrorCode }

const statusOf = {
  'malformed-request': 400, 'body-too-large': 413, 'unsupported-media-type': 415, 'method-not-allowed': 405, 'not-found': 404,
  'malformed-der': 400, 'malformed-certificate': 400, 'malformed-certification-request': 400, 'malformed-crl': 400,
  'malformed-cms': 400, 'malformed-plist': 400, 'malformed-ocsp-request': 400, 'malformed-pkcs12': 400, 'malformed-scep-message': 400,
  'malformed-csv': 400, 'malformed-rewrite-rules': 400, 'unsupported-rewrite-rules': 400, 'malformed-exchange-export': 400, 'malformed-inventory': 400,
  'unsupported-algorithm': 400, 'weak-key': 400, 'signature-invalid': 400,
  'cms-signer-count': 400, 'cms-signer-certificate-missing': 400, 'cms-content-missing': 400, 'cms-digest-mismatch': 400,
  'cms-signed-attributes-invalid': 400, 'device-issuer-unknown': 403, 'device-identity-denied': 403, 'device-certificate-invalid': 403,
  'bad-challenge': 403, 'challenge-expired': 403, 'challenge-used': 403, 'device-attributes-missing': 400, 'device-attributes-changed': 403,
  'bootstrap-identity-mismatch': 403, 'device-mismatch': 403,
  'invitation-not-found': 404, 'invitation-expired': 410, 'invitation-ended': 410, 'invitation-used-up': 410, 'enrollment-not-found': 404,
  'enrollment-state': 409, 'renewal-not-allowed': 403, 'evidence-too-old': 403,
  'blocked-by-policy': 403, 'quarantined-by-policy': 403, 'decision-changed': 409,
  'device-model-unknown': 404, 'approval-not-found': 404, 'rule-not-found': 404, 'policy-change-not-found': 404, 'exemption-not-found': 404, 'malformed-catalogue': 400,
  'certificate-not-found': 404, 'certificate-not-held': 409, 'certificate-already-revoked': 409, 'certificate-expired': 409,
  'certificate-profile-violation': 500, 'authority-not-found': 404, 'authority-exists': 409, 'authority-import-invalid': 400,
  'key-unavailable': 409, 'key-passphrase-wrong': 400, 'crl-not-published': 503,
  'device-not-found': 404, 'evidence-not-found': 404, 'person-not-found': 404, 'template-not-found': 404, 'malformed-template': 400, 'front-end-not-found': 404,
  'front-end-exists': 409, 'front-end-behind': 409, 'token-not-found': 404, 'setup-link-invalid': 410, 'unauthorized': 401, 'forbidden': 403, 'outside-scope': 403, 'last-admin': 409, 'conflict': 409,
  'invalid-argument': 400, 'invalid-configuration': 500, 'database-unavailable': 503, 'data-folder-locked': 503, 'database-too-new': 503,
  'migration-changed': 503, 'mail-not-configured': 409, 'rate-limited': 429, 'server-unreachable': 502,
} as const satisfies Record<ErrorCode, number>

export const problemCodes = Object.keys(statusOf) as ErrorCode[]

const unknownProblem: Problem = { type: 'about:blank', title: 'Internal Server Error', status: 500 }

/** What the caller is told. Anything but a refusal says nothing about itself: its text may name a table, a path or a key. */
export function toProblem(error: unknown): { status: number, body: Problem } {
  if (!(error instanceof CaError)) return { status: 500, body: unknownProblem }
  const { code, message } = error
  const status = statusOf[code]
  return { status, body: { type: `/problems/${code}`, title: code.replaceAll('-', ' '), status, detail: message, code } }
}
