/** Whose lists count: the root that was pinned at enrollment, and the issuing CAs that it certified. */
import { CaError } from '../errors.ts'
import { readBasicConstraints, readKeyUsage } from '../formats/extension-readers.ts'
import { fromPem, toPem } from '../formats/pem.ts'
import { fingerprint, isIssuedBy, parseCertificate, type Certificate } from '../formats/x509.ts'
import { countOf, listOf, objectOf, textOf, type JsonObject } from './json.ts'

export type IssuingCa = { readonly name: string, readonly certificate: Certificate, readonly partitions: number }
export type Trust = { readonly rootName: string, readonly root: Certificate, readonly issuing: readonly IssuingCa[] }
/** What happens when the last good data is older than `maxAgeSeconds`: refuse everybody, or go on and alarm. */
export type Policy = { readonly maxAgeSeconds: number, readonly whenStale: 'refuse' | 'alarm' }

const authorityName = /^[a-z0-9-]{1,46}$/
const maxPartitions = 4096

/**
 * Reads what the service says is to be trusted. The root must be the pinned one, and every issuing CA must have been
 * certified by it: the service can announce a new one, but cannot make one up.
 *
 * @param pinned  SHA-256 of the root certificate, lower-case hex
 * @throws {CaError} malformed-request, signature-invalid
 */
export function readTrust(value: unknown, pinned: string, now: Date): Trust {
  const trust = objectOf(value, 'trust')
  const root = certificateOf(trust, 'root')
  if (fingerprint(root.raw) !== pinned) throw new CaError('signature-invalid', `the root is not the one that was pinned (${pinned})`)
  const issuing = listOf(trust, 'issuing').map(item => issuingCa(item, root, now))
  if (issuing.length === 0) throw new CaError('malformed-request', 'there is no issuing CA')
  if (new Set(issuing.map(({ name }) => name)).size < issuing.length) throw new CaError('malformed-request', 'two issuing CAs have one name')
  const rootName = Object.keys(objectOf(trust['crlUrls'] ?? {}, 'crlUrls')).find(name => authorityName.test(name) && !issuing.some(ca => ca.name === name))
  return { rootName: rootName ?? 'root', root, issuing }
}

function issuingCa(item: JsonObject, root: Certificate, now: Date): IssuingCa {
  const name = textOf(item, 'name', authorityName)
  const partitions = countOf(item, 'partitions', 1)
  if (partitions > maxPartitions) throw new CaError('malformed-request', `${name} has more than ${maxPartitions} partitions`)
  const certificate = certificateOf(item, 'certificate')
  const known = certificate.issuer.raw.equals(root.subject.raw) && isIssuedBy(certificate, root.publicKey)
  if (!known) throw new CaError('signature-invalid', `${name} was not certified by the pinned root`)
  if (readBasicConstraints(certificate)?.ca !== true || readKeyUsage(certificate)?.includes('cRLSign') !== true) {
    throw new CaError('signature-invalid', `${name} is not a CA that signs revocation lists`)
  }
  if (certificate.notAfter < now) throw new CaError('signature-invalid', `${name} has ended`)
  return { name, certificate, partitions }
}

function certificateOf(object: JsonObject, name: string): Certificate {
  const [der, ...more] = fromPem(textOf(object, name), 'CERTIFICATE')
  if (der === undefined || more.length > 0) throw new CaError('malformed-request', `${name} is not one certificate`)
  return parseCertificate(der)
}

/** @throws {CaError} malformed-request */
export function readPolicy(value: unknown): Policy {
  const policy = objectOf(value, 'policy')
  return { maxAgeSeconds: countOf(policy, 'maxAgeSeconds', 1), whenStale: textOf(policy, 'whenStale', /^(refuse|alarm)$/) as Policy['whenStale'] }
}

/** One list that has to be there. `partition` is null for a complete list. */
export type ListName = { readonly authority: string, readonly partition: number | null }

export const listKey = ({ authority, partition }: ListName): string => partition === null ? authority : `${authority}/${partition}`

/** The lists that a front end needs: the root's, and every partition of every issuing CA. */
export const listsOf = ({ rootName, issuing }: Trust): ListName[] => [
  { authority: rootName, partition: null },
  ...issuing.flatMap(({ name, partitions }) => Array.from({ length: partitions }, (_, partition) => ({ authority: name, partition }))),
]

/** Who must have signed a list; undefined for a list that nobody here knows. */
export function issuerOf(trust: Trust, { authority, partition }: ListName): Certificate | undefined {
  if (authority === trust.rootName) return partition === null ? trust.root : undefined
  const ca = trust.issuing.find(({ name }) => name === authority)
  return ca !== undefined && partition !== null && partition < ca.partitions ? ca.certificate : undefined
}

export const partitionsOf = (trust: Trust): ReadonlyMap<string, number> => new Map(trust.issuing.map(({ name, partitions }) => [name, partitions]))

/** What front ends hold certificates against: every issuing CA, then the root. */
export const caPem = ({ issuing, root }: Trust): string =>
  [...issuing.map(({ certificate }) => certificate), root].map(({ raw }) => toPem('CERTIFICATE', raw)).join('')
