/** What a trial may find, and how it is told. */

/**
 * `hole`: somebody gets in who must not, as was seen; `outage`: who may is refused, or soon will be; `risk`: nothing but one
 * guard stands there where there should be two, or it works slowly.
 */
export type Severity = 'hole' | 'outage' | 'risk'

/** Part of the public output: add freely, never rename. */
export const findingCodes = [
  'certificate-optional', 'server-certificate', 'accepted-issuers-missing', 'accepted-issuers-foreign', 'self-made-ca-accepted', 'foreign-ca-accepted',
  'good-refused', 'list-missing', 'list-ended', 'front-end-stale',
  'revoked-new-connection', 'revoked-keep-alive', 'revoked-resumed', 'resumption-on', 'revocation-late',
  'check-cached', 'open-on-outage', 'identity-header-passed', 'agent-not-in-force',
  'root-list-missing', 'partition-list-missing', 'list-ends-soon', 'list-behind', 'delta-in-bundle', 'complete-list-in-bundle', 'bundle-damaged',
] as const
export type FindingCode = typeof findingCodes[number]

export type Finding = { readonly code: FindingCode, readonly severity: Severity, readonly sentence: string, readonly mend: string }

export type Verdict = 'fine' | 'finding' | 'not-tried'

/** One thing that was tried, or was not and why. */
export type Probe = { readonly probe: string, readonly verdict: Verdict, readonly detail: string }

export type Result = Probe & { readonly findings: readonly Finding[] }

export const fine = (probe: string, detail: string): Result => ({ probe, verdict: 'fine', detail, findings: [] })
export const notTried = (probe: string, detail: string): Result => ({ probe, verdict: 'not-tried', detail, findings: [] })
export const found = (probe: string, detail: string, ...findings: Finding[]): Result => ({ probe, verdict: 'finding', detail, findings })
