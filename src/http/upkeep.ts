/** What has to follow a change of the authorities; the schedule does the same from time to time. */
import { needsSuccessor } from '../certificates/agent-authorities.ts'
import type { Authorities, Authority } from '../certificates/authority.ts'
import { createAgentAuthority } from '../certificates/hierarchy.ts'
import { publish, type PublishResult } from '../certificates/publish.ts'
import { renewSigners } from '../certificates/signers.ts'
import { authoritiesWithoutAddress, hierarchyStore, registerPartitions, signerStore } from '../store/authorities.ts'
import { certificateStore } from '../store/certificates.ts'
import { reservationStore } from '../store/reservations.ts'
import { publicationTransaction } from '../store/crls.ts'
import type { Service } from './service.ts'

type AddressParts = Pick<Service, 'config' | 'db' | 'addresses'>

/** Also raises the number of partitions when the setting has grown; certificates carry them from now on. */
export async function registerAddresses(service: Service): Promise<void> {
  for (const authority of withPartitions(service.authorities())) await register(service, authority)
  await service.reload()
}

/**
 * What another instance made (partitions, an authority that was brought) has the addresses of that instance only. Ours
 * go on record before anything is issued with them, because an instance may have another `LATCHKEY_PKI_URL`.
 */
export async function registerMissingAddresses(parts: AddressParts, authorities: Authorities): Promise<void> {
  const all = withPartitions(authorities)
  // All partitions are written at once, so the last one tells.
  const last = all.map(({ id, name, partitions }) => ({ authorityId: id, partition: partitions - 1, url: parts.addresses.partitionCrl(name, partitions - 1) }))
  const missing = await authoritiesWithoutAddress(parts.db, last)
  for (const authority of all.filter(({ id }) => missing.includes(id))) await register(parts, authority)
}

/** The root's list is signed by ceremony; about agents only the service asks. */
const publishes = ({ role }: Authority): boolean => role === 'issuing' || role === 'enrollment'

const withPartitions = (authorities: Authorities): Authority[] => authorities.all.filter(publishes)

async function register({ config, db, addresses }: AddressParts, authority: Authority): Promise<void> {
  const partitions = authority.role === 'issuing' ? config.crlPartitions : 1
  await registerPartitions(db, authority.id, partitions, partition => addresses.partitionCrl(authority.name, partition))
}

/** Makes the CA of agents where there is none, and its successor long before it ends. @returns true when one was made */
export async function renewAgentAuthority(service: Service): Promise<boolean> {
  const { config: { organization, keyType }, db, keyring } = service
  const now = service.now()
  const before = service.authorities().all.find(({ role, active }) => role === 'agent' && active)
  if (before !== undefined && !needsSuccessor(before, now)) return false
  const made = await createAgentAuthority({ keyring, organization, keyType, transaction: async work => await db.transaction(async tx => await work(hierarchyStore(tx))) }, now, before)
  // Also when another instance was faster.
  await service.reload()
  return made
}

export async function renewDueSigners(service: Service, all = false): Promise<number> {
  const { config, db, keyring, addresses } = service
  try {
    return await renewSigners({
      keyring, addresses, organization: config.organization, keyType: config.keyType, reserve: async reservation => { await reservationStore(db).add([reservation]) },
      transaction: async work => await db.transaction(async tx => await work({ ...signerStore(tx), complete: certificateStore(tx).complete })),
    }, service.authorities(), service.now(), all)
  } finally {
    // Also when one of them failed: the others were made.
    await service.reload()
  }
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
    if (!publishes(authority) || authority.key.privateKey === null || authority.certificate.notAfter < service.now()) continue
    try {
      results.push(await publish({ keyring, addresses, periods, transaction: publicationTransaction(db) }, authority, service.now(), full))
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return results
}
