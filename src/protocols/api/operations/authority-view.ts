import { z } from 'zod'
import { signersFor, type Authorities, type Authority } from '../../../certificates/authority.ts'
import type { PublishedCrl } from '../../../certificates/publish.ts'
import { formatName } from '../../../formats/names.ts'
import { toPem } from '../../../formats/pem.ts'
import { fingerprint, type Certificate } from '../../../formats/x509.ts'
import { at, instant } from '../fields.ts'

export const authorityView = z.strictObject({
  name: z.string(), role: z.enum(['root', 'issuing', 'enrollment', 'agent']),
  /** Issues now; one that does not goes on to answer for what it issued. */
  active: z.boolean(),
  subject: z.string(), serialNumber: z.string(), fingerprint: z.string(), key: z.string(),
  /** False when its private key was taken away, or never was here. */
  keyHere: z.boolean(),
  parent: z.string().nullable(), partitions: z.int(), notBefore: instant, notAfter: instant, certificate: z.string(),
  signers: z.array(z.strictObject({ purpose: z.enum(['scep-ra', 'ocsp-responder', 'profile-signer']), serialNumber: z.string(), notBefore: instant, notAfter: instant })),
})

export function viewOfAuthority(authorities: Authorities, authority: Authority): z.input<typeof authorityView> {
  const { certificate } = authority
  return {
    name: authority.name, role: authority.role, active: authority.active,
    subject: formatName(certificate.subject), serialNumber: certificate.serialNumber, fingerprint: fingerprint(certificate.raw), key: keyInWords(certificate),
    keyHere: authority.key.privateKey !== null, parent: authorities.all.find(({ id }) => id === authority.parentId)?.name ?? null,
    partitions: authority.partitions, notBefore: at(certificate.notBefore), notAfter: at(certificate.notAfter), certificate: toPem('CERTIFICATE', certificate.raw),
    signers: (['scep-ra', 'ocsp-responder', 'profile-signer'] as const).flatMap(purpose => signersFor(authorities, authority.id, purpose).slice(0, 1))
      .map(signer => ({ purpose: signer.purpose, serialNumber: signer.certificate.serialNumber, notBefore: at(signer.certificate.notBefore), notAfter: at(signer.certificate.notAfter) })),
  }
}

const curveNames: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

function keyInWords({ publicKey }: Certificate): string {
  const { namedCurve = '', modulusLength } = publicKey.asymmetricKeyDetails ?? {}
  return modulusLength === undefined ? curveNames[namedCurve] ?? namedCurve : `RSA-${modulusLength}`
}

export const rootCrlView = z.strictObject({ root: z.string(), crlNumber: z.int(), thisUpdate: instant, nextUpdate: instant, entries: z.int() })

export const viewOfRootCrl = ({ name }: Authority, { crlNumber, thisUpdate, nextUpdate }: PublishedCrl, entries: number): z.input<typeof rootCrlView> =>
  ({ root: name, crlNumber, thisUpdate: at(thisUpdate), nextUpdate: at(nextUpdate), entries })
