/**
 * Certificates with which `front-end doctor` asks a front end as phones would. They are canaries: for nobody, answered by
 * the front end itself or refused by it, and good for an hour at most. Their keys are made by whoever asks.
 */
import { canaryCertificate } from '../../certificates/certificate-profile.ts'
import { completeOurs, type Prepared } from '../../certificates/issue.ts'
import { revoke } from '../../certificates/revoke.ts'
import { CaError } from '../../errors.ts'
import type { Actor } from '../../http/actor.ts'
import { change } from '../../http/change.ts'
import type { Service } from '../../http/service.ts'
import { agentStore } from '../../store/agents.ts'
import { certificateStore, revocationStore, type CertificateRecord } from '../../store/certificates.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { probeStore, type ProbePurpose } from '../../store/probes.ts'
import { prepareFor } from './issue.ts'

/** How long a trial may take: for so long its certificates are valid, and questions about them are counted. */
export const trialMs = 3_600_000
export const issuedPurposes = ['good', 'revoked', 'later', 'outage'] as const satisfies readonly ProbePurpose[]
export type IssuedPurpose = typeof issuedPurposes[number]
/** Twenty trials a day at one front end: two certificates of each end up on the lists. */
const mostPerDay = 20 * issuedPurposes.length
const dayMs = 86_400_000

export type IssuedProbe = { readonly purpose: IssuedPurpose, readonly prepared: Prepared }

/**
 * @param requests  PKCS#10 on P-256, in DER
 * @param own  a phone's certificate that takes part: it is only counted how often the front end asks about it
 * @throws {CaError} rate-limited, malformed-certification-request, signature-invalid, unsupported-algorithm
 */
export async function issueProbes(service: Service, actor: Actor, frontEnd: FrontEnd, requests: Readonly<Record<IssuedPurpose, Buffer>>, own: CertificateRecord | undefined): Promise<IssuedProbe[]> {
  const yesterday = new Date(service.now().getTime() - dayMs)
  if (await probeStore(service.db).made(frontEnd.id, yesterday) >= mostPerDay) throw new CaError('rate-limited', 'this front end was tried out too often within a day')
  const probes: IssuedProbe[] = []
  for (const purpose of issuedPurposes) {
    const prepared = await prepareFor(service, {
      role: 'issuing', kind: 'canary', validityMs: trialMs, request: requests[purpose], profile: (subject, issuer) => canaryCertificate(subject, issuer, frontEnd.name),
    })
    probes.push({ purpose, prepared })
  }
  await change(service, actor, async (tx, record, now) => {
    await completeOurs(certificateStore(tx), ...probes.map(({ prepared }) => prepared))
    await agentStore(tx).add(probes.map(({ prepared }) => ({ ...prepared.completion, frontEnd })))
    for (const { purpose, prepared } of probes) {
      await probeStore(tx).add({ ...prepared.completion, frontEndId: frontEnd.id, purpose, createdAt: now })
      // In the transaction that makes it valid: there is no moment at which it passes.
      if (purpose === 'revoked') await revoke(revocationStore(tx), { ...prepared.completion, reason: 'unspecified', actor: actor.name, cause: `probe of ${frontEnd.name}` }, now)
    }
    if (own !== undefined) await probeStore(tx).add({ ...own, frontEndId: frontEnd.id, purpose: 'own', createdAt: now })
    await record('front-end.probe', `front-end:${frontEnd.name}`, { certificates: probes.map(({ prepared }) => prepared.certificate.serialNumber), own: own?.serialNumber.toString('hex') ?? null })
  })
  service.revocationChanged()
  return probes
}

/**
 * Revokes, in the middle of the trial, the certificate that is there for it; no other one.
 *
 * @throws {CaError} certificate-not-found
 */
export async function revokeProbe(service: Service, actor: Actor, frontEnd: FrontEnd, serialNumber: Buffer): Promise<void> {
  await change(service, actor, async (tx, record, now) => {
    const probe = await probeStore(tx).find(serialNumber)
    if (probe === undefined || probe.frontEndId !== frontEnd.id || probe.purpose !== 'later') {
      throw new CaError('certificate-not-found', 'no trial of this front end has a certificate with this serial number that is to be revoked')
    }
    if (!await revoke(revocationStore(tx), { ...probe, reason: 'unspecified', actor: actor.name, cause: `probe of ${frontEnd.name}` }, now)) return
    await record('front-end.probe-revoke', `front-end:${frontEnd.name}`, { serialNumber: serialNumber.toString('hex') })
  })
  service.revocationChanged()
}
