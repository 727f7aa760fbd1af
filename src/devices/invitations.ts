import { randomUUID } from 'node:crypto'
import { newSecretToken, tokenSha256 } from './secret-token.ts'

/** Languages in which owners of phones are written to. */
export const mailLanguages = ['en', 'de'] as const
export type Language = typeof mailLanguages[number]

/** A person as our own records have them; certificates are written from these. */
export type Person = {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly userPrincipalName: string | null
  readonly groups: readonly string[]
  /** In which they are written to; null is in all. */
  readonly language: Language | null
  readonly createdAt: Date
}

/** Where the private key of the certificate is born: on the device, or here. */
export type InvitationKeyOrigin = 'device' | 'delivered'

/** The right of one person to enroll up to `devicesMax` devices until a time. */
export type Invitation = {
  readonly id: string
  readonly personId: string
  readonly template: string
  readonly keyOrigin: InvitationKeyOrigin
  readonly devicesMax: number
  /** Last instant at which it opens. */
  readonly expiresAt: Date
  readonly endedAt: Date | null
  readonly createdAt: Date
  readonly createdBy: string
}

export type InvitationOrder = Omit<Invitation, 'id' | 'endedAt' | 'createdAt'>

/** The token stands in the link and nowhere else; its hash is what is stored. */
export type CreatedInvitation = { readonly invitation: Invitation, readonly token: string, readonly tokenSha256: Buffer }

export function createInvitation(order: InvitationOrder, now: Date): CreatedInvitation {
  const token = newSecretToken()
  return { invitation: { ...order, id: randomUUID(), endedAt: null, createdAt: now }, token, tokenSha256: tokenSha256(token) }
}

export type InvitationState = 'open' | 'expired' | 'ended' | 'used-up'

/**
 * What an invitation is still good for. A device that has a place keeps it when the others are taken:
 * whoever asks for such a device passes over `used-up`.
 *
 * @param placesTaken  devices that got a certificate under it
 */
export function invitationState(invitation: Pick<Invitation, 'endedAt' | 'expiresAt' | 'devicesMax'>, placesTaken: number, now: Date): InvitationState {
  if (invitation.endedAt !== null && invitation.endedAt <= now) return 'ended'
  if (now > invitation.expiresAt) return 'expired'
  return placesTaken >= invitation.devicesMax ? 'used-up' : 'open'
}
