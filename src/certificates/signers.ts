/**
 * What signs for an authority in one protocol, renewed unasked long before it runs out.
 */
import type { Authorities, Authority, AuthoritySigner, SignerPurpose } from './authority.ts'
import { signersFor } from './authority.ts'
import { authorityName, days, ocspResponder, profileSigner, scepRegistrationAuthority, validityFrom } from './certificate-profile.ts'
import { completeOurs, prepareOurs, type CompletionStore, type IssueDeps, type Order } from './issue.ts'
import type { Certificate } from '../formats/x509.ts'
import type { KeyAlgorithm, Keyring, SealedKey } from './keyring.ts'

export type SignerStore = CompletionStore & {
  /** Takes the authority's lock; returns the newest signer's end of this purpose, for another instance may have renewed. */
  lockSigner(authorityId: number, purpose: SignerPurpose): Promise<Date | undefined>
  addSigner(signer: { authorityId: number, purpose: SignerPurpose, certificate: Certificate, key: SealedKey }): Promise<void>
}

export type SignerDeps = IssueDeps & {
  keyring: Keyring
  organization: string
  keyType: 'ec' | 'rsa'
  transaction<T>(work: (tx: SignerStore) => Promise<T>): Promise<T>
}

type SignerPlan = {
  validityDays: number
  renewBeforeDays: number
  /** A profile signer keeps its key and subject: iOS updates a profile only when the same identity signed it. */
  keepsKey: boolean
  algorithm(keyType: 'ec' | 'rsa'): KeyAlgorithm
  title: string
  profile(subject: Parameters<Order['profile']>[0], issuer: Parameters<Order['profile']>[1], name: Buffer): ReturnType<Order['profile']>
}

const plans: Record<SignerPurpose, SignerPlan> = {
  'scep-ra': {
    validityDays: 730, renewBeforeDays: 90, keepsKey: false, algorithm: () => 'RSA-2048', title: 'SCEP RA',
    profile: scepRegistrationAuthority,
  },
  'ocsp-responder': {
    validityDays: 30, renewBeforeDays: 10, keepsKey: false, algorithm: keyType => keyType === 'ec' ? 'P-256' : 'RSA-2048', title: 'OCSP responder',
    profile: ocspResponder,
  },
  'profile-signer': {
    validityDays: 730, renewBeforeDays: 90, keepsKey: true, algorithm: () => 'RSA-2048', title: 'Profile signer',
    profile: profileSigner,
  },
}

const wanted: Record<Authority['role'], SignerPurpose[]> = {
  root: [],
  issuing: ['scep-ra', 'ocsp-responder', 'profile-signer'],
  enrollment: ['scep-ra'],
  agent: [],
}

/**
 * What an authority that was replaced still needs: its certificates live on for up to a year, and front ends ask about
 * them. Its registration authority is not handed out any more, for its door leads to the successor; what was encrypted
 * to it is opened with the key, and that takes no certificate that is in force.
 */
const wantedOfReplaced: Record<Authority['role'], SignerPurpose[]> = { root: [], issuing: ['ocsp-responder'], enrollment: [], agent: [] }

const purposesOf = ({ role, active, certificate }: Authority, now: Date): SignerPurpose[] =>
  active ? wanted[role] : now < certificate.notAfter ? wantedOfReplaced[role] : []

/**
 * Renews every signer that is missing or near its end. One that cannot be renewed does not keep the others from it;
 * what failed is thrown at the end. @returns how many were made
 */
export async function renewSigners(deps: SignerDeps, authorities: Authorities, now: Date, all = false): Promise<number> {
  let made = 0
  const failures: unknown[] = []
  for (const authority of authorities.all.filter(({ key }) => key.privateKey !== null)) {
    for (const purpose of purposesOf(authority, now)) {
      const newest = signersFor(authorities, authority.id, purpose)[0]
      if (!all && newest !== undefined && !shouldRenew(newest, authority, plans[purpose], now)) continue
      try {
        if (await renew(deps, authority, purpose, newest, now)) made++
      } catch (error) {
        failures.push(error)
      }
    }
  }
  if (failures.length > 0) throw failures[0]
  return made
}

/** A signer that lives as long as its authority cannot be followed by a longer one. */
const shouldRenew = ({ certificate: { notAfter } }: AuthoritySigner, authority: Authority, plan: SignerPlan, now: Date): boolean =>
  notAfter.getTime() - now.getTime() < days(plan.renewBeforeDays) && notAfter < authority.certificate.notAfter

async function renew(deps: SignerDeps, authority: Authority, purpose: SignerPurpose, newest: AuthoritySigner | undefined, now: Date): Promise<boolean> {
  const plan = plans[purpose]
  const key = plan.keepsKey && newest !== undefined ? newest.key : await deps.keyring.generate(plan.algorithm(deps.keyType))
  const name = authorityName(deps.organization, `${deps.organization} ${authority.role === 'enrollment' ? 'Enrollment ' : ''}${plan.title}`)
  const prepared = await prepareOurs(deps, {
    authority, kind: 'signer', subjectPublicKeyInfo: key.publicKey,
    validity: validityFrom(now, days(plan.validityDays), authority.certificate.notAfter),
    profile: (subject, issuer) => plan.profile(subject, issuer, name),
  }, now)
  return await deps.transaction(async tx => {
    const present = await tx.lockSigner(authority.id, purpose)
    // Another instance was first; ours stays a reservation whose lease ends, and is revoked then.
    if (present !== undefined && newest?.certificate.notAfter.getTime() !== present.getTime()) return false
    await completeOurs(tx, prepared)
    await tx.addSigner({ authorityId: authority.id, purpose, certificate: prepared.certificate, key })
    return true
  })
}
