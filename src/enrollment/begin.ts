import { CaError } from '../errors.ts'
import { sha256 } from '../certificates/issue.ts'
import { invitationState } from '../devices/invitations.ts'
import type { EnrollmentDeps } from './deps.ts'
import { profileServiceDocument } from './profiles.ts'
import type { EnrollmentReads, InvitationRecord } from './records.ts'
import { newChallenge, newEnrollmentId } from './secrets.ts'

/** How long a downloaded Profile Service profile may wait before it is installed; iOS itself drops it after eight minutes. */
const challengeMs = 15 * 60_000

/** @throws {CaError} invitation-not-found */
export async function findInvitation(reads: Pick<EnrollmentReads, 'invitationByToken'>, token: string): Promise<InvitationRecord> {
  const invitation = await reads.invitationByToken(sha256(Buffer.from(token, 'utf8')))
  if (invitation === undefined) throw new CaError('invitation-not-found', 'there is no such invitation')
  return invitation
}

/**
 * Answers the download of the Profile Service profile: a new enrollment with a challenge of its own. It consumes
 * nothing, because mail scanners fetch links too. A link whose places are taken still answers: the phone that took
 * one may come again.
 *
 * @throws {CaError} invitation-not-found, invitation-expired, invitation-ended
 */
export async function beginEnrollment(deps: EnrollmentDeps, token: string): Promise<Buffer> {
  const now = deps.now()
  const invitation = await findInvitation(deps.store, token)
  assertOpen(invitation, now)
  const id = newEnrollmentId()
  const challenge = newChallenge()
  await deps.store.addEnrollment({
    id, invitationId: invitation.id, challengeSha256: sha256(Buffer.from(challenge, 'utf8')),
    challengeExpiresAt: new Date(now.getTime() + challengeMs), createdAt: now,
  })
  return await profileServiceDocument(deps, id, invitation, challenge, now)
}

function assertOpen(invitation: InvitationRecord, now: Date): void {
  const state = invitationState(invitation, invitation.placesTaken, now)
  if (state === 'expired') throw new CaError('invitation-expired', 'the invitation has run out')
  if (state === 'ended') throw new CaError('invitation-ended', 'the invitation was taken back')
}
