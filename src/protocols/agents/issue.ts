import { activeAuthority, type AuthorityRole } from '../../certificates/authority.ts'
import { agentCertificate, canaryCertificate, days, validityFrom } from '../../certificates/certificate-profile.ts'
import { completeOurs, prepareOurs, type Order, type Prepared } from '../../certificates/issue.ts'
import { revoke } from '../../certificates/revoke.ts'
import { CaError } from '../../errors.ts'
import { parseCertificationRequest } from '../../formats/certification-request.ts'
import type { Certificate } from '../../formats/x509.ts'
import { change } from '../../http/change.ts'
import { merged } from '../../http/merged.ts'
import type { Service } from '../../http/service.ts'
import { agentStore } from '../../store/agents.ts'
import { auditStore } from '../../store/audit.ts'
import { certificateStore, revocationStore } from '../../store/certificates.ts'
import type { FrontEnd } from '../../store/front-ends.ts'

const agentDays = 90
const canaryDays = 1
/** Each makes an entry on the lists; an agent needs two pairs a day. */
const mostCanariesPerDay = 20

/**
 * Of many agents that ask at once, those of one moment are completed in one transaction, each with its record.
 *
 * @returns what issues; `request` is PKCS#10 on P-256, in DER. @throws {CaError} malformed-certification-request, signature-invalid, unsupported-algorithm, unauthorized
 */
export function agentIssuer(service: Service): (frontEnd: FrontEnd, request: Buffer) => Promise<Certificate> {
  const completed = merged(async (all: readonly { frontEnd: FrontEnd, prepared: Prepared }[]) => {
    const at = service.now()
    await service.db.transaction(async tx => {
      await Promise.all([
        completeOurs(certificateStore(tx), ...all.map(({ prepared }) => prepared)),
        agentStore(tx).add(all.map(({ frontEnd, prepared }) => ({ ...prepared.completion, frontEnd }))),
        auditStore(tx).addAll(all.map(({ frontEnd, prepared }) => {
          const { name: actor, source } = actorOf(frontEnd)
          return { at, actor, source, action: 'agent.enroll', subject: `front-end:${frontEnd.name}`, detail: { serialNumber: prepared.certificate.serialNumber } }
        })),
      ])
    })
  })
  return async (frontEnd, request) => {
    const prepared = await prepareFor(service, { role: 'agent', kind: 'agent', validityMs: days(agentDays), request, profile: (subject, issuer) => agentCertificate(subject, issuer, frontEnd.name) })
    await completed({ frontEnd, prepared })
    return prepared.certificate
  }
}

/**
 * Two certificates like a phone's, for nobody: one that is good, and one that is revoked in the transaction that makes it
 * valid, so that there is no moment at which it passes.
 *
 * @throws {CaError} rate-limited, and as `agentIssuer`
 */
export async function issueCanaries(service: Service, frontEnd: FrontEnd, requests: { good: Buffer, revoked: Buffer }): Promise<{ good: Certificate, revoked: Certificate }> {
  const since = new Date(service.now().getTime() - days(1))
  if (await agentStore(service.db).made(frontEnd.id, 'canary', since) >= mostCanariesPerDay) throw new CaError('rate-limited', 'this front end was given too many canaries within a day')
  const prepareOne = async (request: Buffer): Promise<Prepared> =>
    await prepareFor(service, { role: 'issuing', kind: 'canary', validityMs: days(canaryDays), request, profile: (subject, issuer) => canaryCertificate(subject, issuer, frontEnd.name) })
  const [good, revoked] = [await prepareOne(requests.good), await prepareOne(requests.revoked)]
  await change(service, actorOf(frontEnd), async (tx, _record, now) => {
    await completeOurs(certificateStore(tx), good, revoked)
    await agentStore(tx).add([good, revoked].map(({ completion }) => ({ ...completion, frontEnd })))
    await revoke(revocationStore(tx), { ...revoked.completion, reason: 'unspecified', actor: 'latchkey', cause: `canary of ${frontEnd.name}` }, now)
  })
  service.revocationChanged()
  return { good: good.certificate, revoked: revoked.certificate }
}

export type OurOrder = { role: AuthorityRole, kind: 'agent' | 'canary', validityMs: number, request: Buffer, profile: Order['profile'] }

export async function prepareFor(service: Service, { role, kind, validityMs, request, profile }: OurOrder): Promise<Prepared> {
  const { publicKey, subjectPublicKeyInfo } = parseCertificationRequest(request)
  if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new CaError('unsupported-algorithm', 'the key of an agent is on P-256')
  const now = service.now()
  const authority = activeAuthority(service.authorities(), role)
  return await prepareOurs({ keyring: service.keyring, addresses: service.addresses, reserve: service.reserve }, {
    authority, kind, subjectPublicKeyInfo, validity: validityFrom(now, validityMs, authority.certificate.notAfter), profile,
  }, now)
}

export const actorOf = ({ name }: Pick<FrontEnd, 'name'>): { name: string, source: string } => ({ name: 'latchkey', source: `front-end ${name}` })
