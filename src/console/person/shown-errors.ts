import type { ErrorCode } from '../../errors.ts'

/** What may have stopped a phone and has words of its own; everything else has one text for all. */
export const shownErrors = [
  'challenge-expired', 'challenge-used', 'bad-challenge', 'certificate-expired', 'invitation-expired', 'invitation-ended', 'invitation-used-up',
  'device-attributes-missing', 'device-attributes-changed', 'device-issuer-unknown', 'device-identity-denied', 'bootstrap-identity-mismatch',
  'enrollment-state', 'blocked-by-policy', 'quarantined-by-policy', 'decision-changed', 'evidence-too-old',
] as const satisfies readonly ErrorCode[]

export type ShownError = typeof shownErrors[number]
