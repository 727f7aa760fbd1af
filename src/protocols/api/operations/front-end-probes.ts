/** What `latchkey front-end doctor` asks of the service; the front end itself it asks as a client would. */
import { z } from 'zod'
import { activeAuthority, authorityById, chainOf, type Authority } from '../../../certificates/authority.ts'
import { isInForce, statusOf } from '../../../certificates/status.ts'
import { sha256 } from '../../../certificates/issue.ts'
import { CaError } from '../../../errors.ts'
import { fromPem, toPem } from '../../../formats/pem.ts'
import { enforcement, standings } from '../../../http/enforcement.ts'
import type { Service } from '../../../http/service.ts'
import { certificateStore, type CertificateRecord } from '../../../store/certificates.ts'
import { crlFileStore } from '../../../store/crls.ts'
import { frontEndStore, type FrontEnd } from '../../../store/front-ends.ts'
import { probePurposes, probeStore } from '../../../store/probes.ts'
import { issuedPurposes, issueProbes, revokeProbe, trialMs } from '../../agents/probes.ts'
import { bundleScope } from '../../crl/bundle.ts'
import { at, instant } from '../fields.ts'
import { operation } from '../operation.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')
const serialNumber = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits')
const request = z.base64().max(4096).transform(text => Buffer.from(text, 'base64'))
const ca = z.strictObject({ name: z.string(), role: z.enum(['root', 'issuing', 'enrollment', 'agent']), certificate: z.string() })
const issued = z.strictObject({ purpose: z.enum(issuedPurposes), serialNumber, certificate: z.string() })
const list = z.strictObject({
  authority: z.string(),
  /** Null for a root's list, which is complete. */
  partition: z.int().nullable(),
  crlNumber: z.int(), thisUpdate: instant, nextUpdate: instant,
  /** Of the root that is in force, or of an issuing CA under it: without this list nobody gets in. Those of roots that were replaced are not. */
  needed: z.boolean(),
})

async function frontEndNamed({ db }: Service, called: string): Promise<FrontEnd> {
  const frontEnd = await frontEndStore(db).find(called)
  if (frontEnd === undefined) throw new CaError('front-end-not-found', `there is no front end named ${called}`)
  return frontEnd
}

/**
 * For admins: a front end that knows the lists and nothing else passes on who has a good certificate, and what an operator
 * may do for a phone is bound to the policy. These certificates are not.
 */
export const frontEndProbeBegin = operation({
  id: 'frontEndProbeBegin', method: 'post', path: '/front-ends/{name}/probes', role: 'admin', status: 201,
  summary: 'Certificates for nobody, good for an hour, with which a front end is tried out from outside; and what is to be found there.',
  input: z.strictObject({
    name,
    /** Requests for certificates (PKCS#10 on P-256, DER in base64): one that stays good, one that is revoked from the start, one to be revoked in the middle, one about which `/check` answers 503. */
    requests: z.strictObject(Object.fromEntries(issuedPurposes.map(purpose => [purpose, request])) as Record<typeof issuedPurposes[number], typeof request>),
    /** A phone's own certificate in PEM, where it takes part: how often the front end asks about it is counted as well. */
    own: z.string().max(20_000).optional(),
  }),
  output: z.strictObject({
    frontEnd: z.strictObject({
      name: z.string(), kind: z.string(), maxAgeSeconds: z.int(), whenStale: z.enum(['refuse', 'alarm']),
      /** As its agent says; null where none was ever heard. */
      standing: z.enum(standings).nullable(),
    }),
    certificates: z.array(issued),
    /** What a client sends behind its certificate: the issuing CA, then its root. */
    chain: z.string(),
    /** Whose certificates a front end holds clients against, and the CAs that it must not know. */
    trusted: z.array(ca), untrusted: z.array(ca),
    /** What the service has published for front ends. */
    lists: z.array(list),
  }),
  async run(service, actor, input) {
    const frontEnd = await frontEndNamed(service, input.name)
    const own = input.own === undefined ? undefined : await ownCertificate(service, input.own)
    const probes = await issueProbes(service, actor, frontEnd, input.requests, own)
    const authorities = service.authorities()
    const living = authorities.all.filter(({ certificate }) => service.now() <= certificate.notAfter)
    const isTrusted = ({ role }: Authority): boolean => role === 'root' || role === 'issuing'
    return {
      frontEnd: await described(service, frontEnd),
      certificates: probes.map(({ purpose, prepared: { certificate } }) => ({ purpose, serialNumber: certificate.serialNumber, certificate: toPem('CERTIFICATE', certificate.raw) })),
      chain: chainOf(authorities, activeAuthority(authorities, 'issuing')).map(({ certificate }) => toPem('CERTIFICATE', certificate.raw)).join(''),
      trusted: living.filter(isTrusted).map(viewOf), untrusted: living.filter(authority => !isTrusted(authority)).map(viewOf),
      lists: await publishedLists(service),
    }
  },
})

const viewOf = ({ name: called, role, certificate }: Authority): z.input<typeof ca> => ({ name: called, role, certificate: toPem('CERTIFICATE', certificate.raw) })

async function described(service: Service, { id, name: called, kind, maxAgeSeconds, whenStale }: FrontEnd) {
  const standing = (await enforcement(service)).enforced.find(({ frontEnd }) => frontEnd.id === id)?.standing ?? null
  return { name: called, kind, maxAgeSeconds, whenStale, standing }
}

async function publishedLists(service: Service): Promise<z.input<typeof list>[]> {
  const authorities = service.authorities()
  const root = activeAuthority(authorities, 'root')
  return (await crlFileStore(service.db).bundleHeads(bundleScope(service))).map(head => ({
    authority: authorityById(authorities, head.authorityId).name, partition: head.scope === 'partition' ? head.partition : null,
    crlNumber: head.crlNumber, thisUpdate: at(head.thisUpdate), nextUpdate: at(head.nextUpdate),
    needed: head.authorityId === root.id || authorityById(authorities, head.authorityId).parentId === root.id,
  }))
}

/** @throws {CaError} invalid-argument */
async function ownCertificate(service: Service, pem: string): Promise<CertificateRecord> {
  const [der] = fromPem(pem, 'CERTIFICATE')
  const record = der === undefined ? undefined : await certificateStore(service.db).bySha256(sha256(der))
  if (record === undefined || record.kind !== 'device' || statusOf(record).status !== 'good' || !isInForce(record, service.now())) {
    throw new CaError('invalid-argument', 'the certificate that takes part is not a phone’s, of this service and in force')
  }
  return record
}

export const frontEndProbeList = operation({
  id: 'frontEndProbeList', method: 'get', path: '/front-ends/{name}/probes', role: 'auditor',
  summary: 'The certificates with which a front end was tried out within the last hour, and how often it has asked about each.',
  input: z.strictObject({ name }),
  output: z.strictObject({
    items: z.array(z.strictObject({ purpose: z.enum(probePurposes), serialNumber, asked: z.int() })),
  }),
  async run(service, _actor, input) {
    const { id } = await frontEndNamed(service, input.name)
    const probes = await probeStore(service.db).since(id, new Date(service.now().getTime() - trialMs), 200)
    return { items: probes.map(({ purpose, serialNumber: number, asked }) => ({ purpose, serialNumber: number.toString('hex'), asked })) }
  },
})

export const frontEndProbeRevoke = operation({
  id: 'frontEndProbeRevoke', method: 'post', path: '/front-ends/{name}/probes/revoke', role: 'admin',
  summary: 'Revoke, in the middle of a trial, the certificate that is there for it.',
  input: z.strictObject({ name, serialNumber }),
  output: z.strictObject({ serialNumber }),
  async run(service, actor, input) {
    await revokeProbe(service, actor, await frontEndNamed(service, input.name), Buffer.from(input.serialNumber, 'hex'))
    return { serialNumber: input.serialNumber }
  },
})

export const frontEndProbeEnd = operation({
  id: 'frontEndProbeEnd', method: 'post', path: '/front-ends/{name}/probes/end', role: 'admin',
  summary: 'End a trial: questions about a phone’s own certificate are counted no longer.',
  input: z.strictObject({ name }),
  output: z.strictObject({}),
  async run(service, _actor, input) {
    await probeStore(service.db).forget((await frontEndNamed(service, input.name)).id)
    return {}
  },
})
