import { CaError } from '../errors.ts'
import { readSubjectKeyIdentifier } from '../formats/extension-readers.ts'
import type { Certificate } from '../formats/x509.ts'
import type { SealedKey } from './keyring.ts'

/** `enrollment` and `agent` stand outside the root, so that a front end that trusts it accepts none of theirs. */
export type AuthorityRole = 'root' | 'issuing' | 'enrollment' | 'agent'
export type SignerPurpose = 'scep-ra' | 'ocsp-responder' | 'profile-signer'

/** A certificate authority of this installation. `partitions` counts its CRL partitions, from 0 up. */
export type Authority = {
  id: number
  name: string
  role: AuthorityRole
  certificate: Certificate
  key: SealedKey
  parentId: number | null
  active: boolean
  partitions: number
}

/** A certificate and key that sign for an authority in one protocol. */
export type AuthoritySigner = { id: number, authorityId: number, purpose: SignerPurpose, certificate: Certificate, key: SealedKey }

/** All authorities and signers at one moment; a snapshot, replaced as a whole when something is renewed. */
export type Authorities = {
  all: readonly Authority[]
  signers: readonly AuthoritySigner[]
}

/**
 * What an authorityKeyIdentifier of this issuer is made from (`authorityKeyIdentifier`): the identifier in its own
 * certificate, because an authority that was brought along may have derived it in another way, and verifiers compare.
 */
export const issuerKey = (issuer: Pick<Certificate, 'extensions' | 'subjectPublicKeyInfo'>): Buffer =>
  readSubjectKeyIdentifier(issuer) ?? issuer.subjectPublicKeyInfo

export function activeAuthority(authorities: Authorities, role: AuthorityRole): Authority {
  const found = authorities.all.find(authority => authority.role === role && authority.active)
  if (found === undefined) throw new CaError('authority-not-found', `there is no active ${role} authority`)
  return found
}

/** @throws {CaError} authority-not-found */
export function authorityNamed(authorities: Authorities, name: string): Authority {
  const found = authorities.all.find(authority => authority.name === name)
  if (found === undefined) throw new CaError('authority-not-found', `there is no authority named ${name}`)
  return found
}

export function authorityById(authorities: Authorities, id: number): Authority {
  const found = authorities.all.find(authority => authority.id === id)
  if (found === undefined) throw new CaError('authority-not-found', 'the authority of this certificate is not here')
  return found
}

/** Newest first: the first one signs, the others may still be asked to decrypt. */
export function signersFor(authorities: Authorities, authorityId: number, purpose: SignerPurpose): AuthoritySigner[] {
  return authorities.signers
    .filter(signer => signer.authorityId === authorityId && signer.purpose === purpose)
    .sort((a, b) => b.id - a.id)
}

/** @throws {CaError} key-unavailable when no signer covers `now` */
export function signerInForce(authorities: Authorities, authorityId: number, purpose: SignerPurpose, now: Date): AuthoritySigner {
  const found = signersFor(authorities, authorityId, purpose)
    .find(({ certificate }) => certificate.notBefore <= now && now <= certificate.notAfter)
  if (found === undefined) throw new CaError('key-unavailable', `no ${purpose} is in force`)
  return found
}

/** Issuer first, root last: what a verifier needs above a certificate of this authority. */
export function chainOf(authorities: Authorities, authority: Authority): Authority[] {
  const chain = [authority]
  for (let next = authority; next.parentId !== null;) {
    next = authorityById(authorities, next.parentId)
    chain.push(next)
  }
  return chain
}
