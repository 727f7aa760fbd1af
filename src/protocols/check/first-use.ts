import { supersedeOlder } from '../../certificates/supersede.ts'
import { change } from '../../http/change.ts'
import type { Service } from '../../http/service.ts'
import type { AnswerRecord } from '../../store/answer-records.ts'
import { certificateStore, lockRevocations, revocationStore } from '../../store/certificates.ts'

/**
 * Notes that a certificate has been used, once, and retires the older ones of its device in the same transaction:
 * the phone has shown that it works with the new one.
 */
export async function recordFirstUse(service: Service, record: AnswerRecord, frontEnd: string): Promise<void> {
  const revoked = await change(service, { name: 'latchkey', source: `front-end ${frontEnd}` }, async (tx, note, now) => {
    if (record.deviceId !== null) await lockRevocations(tx)
    const certificates = certificateStore(tx)
    if (!await certificates.markUsed(record, now) || record.deviceId === null) return []
    const older = await supersedeOlder({ ...certificates, ...revocationStore(tx) }, record.deviceId, record.serialNumber, now)
    for (const { serialNumber } of older) {
      await note('certificate.supersede', `certificate:${serialNumber.toString('hex')}`, { by: record.serialNumber.toString('hex') })
    }
    return older
  })
  if (revoked.length > 0) service.revocationChanged()
}

/** Runs `recordFirstUse` beside the answer, which does not wait for it. What fails is done at the next use. */
export function firstUses(service: Service): (record: AnswerRecord, frontEnd: string) => void {
  const underWay = new Set<string>()
  return (record, frontEnd) => {
    const key = record.serialNumber.toString('hex')
    if (record.firstUsedAt !== null || underWay.has(key)) return
    underWay.add(key)
    recordFirstUse(service, record, frontEnd)
      .then(() => { service.answers.forget(record) })
      .catch((error: unknown) => { service.log('error', 'first-use-not-recorded', { name: error instanceof Error ? error.name : null }) })
      .finally(() => { underWay.delete(key) })
  }
}
