import { isInForce, statusOf } from '../../certificates/status.ts'
import type { AnswerRecord } from '../../store/answer-records.ts'
import type { FrontEnd } from '../../store/front-ends.ts'

/** The word in `Latchkey-Decision`. Only `good` lets anybody in. */
export type CheckDecision =
  | 'good' | 'revoked' | 'held' | 'expired' | 'not-yet-valid'
  /** The front end's own agent asks whether it is asked: good, and nobody's. It opens nothing. */
  | 'canary'
  /** Never issued here, not to a device, or by an authority that this front end may not ask about. */
  | 'unknown'
  /** The front end's one header was missing, or not in its format. */
  | 'no-certificate' | 'malformed'
  /** By the ActiveSync gate: the request contradicts the certificate, or the phone waits for somebody's decision. */
  | 'contradiction' | 'quarantined'

const certificateHold = 6

/** `authorityId`: the only authority this front end may ask about, where one is fixed. */
export type CheckContext = Pick<FrontEnd, 'authorityId'> & { trustTestDevices: boolean }

/** Whether a client with this certificate may pass. Pure; what is not known to be good is refused. */
export function decideCheck(record: Omit<AnswerRecord, 'probe'> | undefined, { authorityId, trustTestDevices }: CheckContext, now: Date): CheckDecision {
  // Bootstrap identities and our own signers are certificates too, and open nothing.
  if (record === undefined || (record.kind !== 'device' && record.kind !== 'canary')) return 'unknown'
  if (authorityId !== null && authorityId !== record.authorityId) return 'unknown'
  const status = statusOf(record)
  if (status.status === 'unknown') return 'unknown'
  if (status.status === 'revoked') return status.reason === certificateHold ? 'held' : 'revoked'
  // Held at start as well; here it holds whatever an instance that trusts them, or a release, has done since.
  if (record.test && !trustTestDevices) return 'held'
  if (!isInForce(record, now)) return now < record.notBefore ? 'not-yet-valid' : 'expired'
  return record.kind === 'canary' ? 'canary' : 'good'
}
