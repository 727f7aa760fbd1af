/** What has to follow a change of the authorities; the schedule does the same from time to time. */
import { publish, type PublishResult } from '../certificates/publish.ts'
import { renewSigners } from '../certificates/signers.ts'
import { registerPartitions, signerStore } from '../store/authorities.ts'
import { certificateStore } from '../store/certificates.ts'
import { publicationTransaction } from '../store/crls.ts'
import type { Service } from './service.ts'

/** Also raises the number of partitions when the setting has grown; certificates carry them from now on. */
export async function registerAddresses(service: Service): Promise<void> {
  const { config, db, addresses } = service
  for (const authority of service.authorities().all.filter(({ role }) => role !== 'root')) {
    const partitions = authority.role === 'issuing' ? config.crlPartitions : 1
    await registerPartitions(db, authority.id, partitions, partition => addresses.partitionCrl(authority.name, partition))
  }
  await service.reload()
}

export async function renewDueSigners(service: Service, all = false): Promise<number> {
  const { config, db, keyring, addresses } = service
  const made = await renewSigners({
    keyring, addresses, organization: config.organization, keyType: config.keyType, reserve: certificateStore(db).reserve,
    transaction: async work => await db.transaction(async tx => await work({ ...signerStore(tx), complete: certificateStore(tx).complete })),
  }, service.authorities(), service.now(), all)
  if (made > 0) await service.reload()
  return made
}

/**
 * Publishes whatever is due for every authority that may still be asked. One that cannot publish does not keep the
 * others from it: a list that has run out refuses everybody. What failed is thrown at the end.
 */
export async function publishDue(service: Service, full = false): Promise<PublishResult[]> {
  const { config, db, keyring, addresses } = service
  const periods = { nextUpdateMs: config.crlValidityHours * 3_600_000, fullEveryMs: config.crlPeriodMinutes * 60_000 }
  const results: PublishResult[] = []
  const failures: unknown[] = []
  for (const authority of service.authorities().all) {
    // A retired authority goes on publishing until its last certificate has ended, which is at its own end at the latest.
    if (authority.role === 'root' || authority.key.privateKey === null || authority.certificate.notAfter < service.now()) continue
    try {
      results.push(await publish({ keyring, addresses, periods, transaction: publicationTransaction(db) }, authority, service.now(), full))
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return results
}
