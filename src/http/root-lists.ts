/** The roots' own lists. A root that was replaced still answers for the issuing CAs that it signed. */
import type { Authority } from '../certificates/authority.ts'
import { entriesOfList, rootList } from '../certificates/hierarchy.ts'
import type { CrlEntry } from '../formats/crl.ts'
import { hierarchyStore } from '../store/authorities.ts'
import { crlFileStore, type CrlHead } from '../store/crls.ts'
import type { Queryable } from '../store/db.ts'
import type { Service } from './service.ts'

export type RootList = CrlHead & { der: Buffer, entries: CrlEntry[] }

export async function newestRootList(db: Queryable, root: Pick<Authority, 'id'>): Promise<RootList | undefined> {
  const head = await crlFileStore(db).newest(root.id, 'complete')
  const der = head === undefined ? undefined : await crlFileStore(db).read(head)
  return head === undefined || der === undefined ? undefined : { ...head, der, entries: entriesOfList(der) }
}

/** The newest list, which stays the newest until the transaction ends. */
export async function lockRootList(tx: Queryable, root: Pick<Authority, 'id'>): Promise<RootList | undefined> {
  await tx.query('select 1 from authorities where id = $1 for no key update', [root.id])
  return await newestRootList(tx, root)
}

const renewBeforeMs = 365 * 86_400_000

/**
 * Signs the list of every root anew whose key is here, when it has less than a year to go and can be longer. One that
 * fails does not keep the others from it; what failed is thrown at the end.
 *
 * @returns how many were signed
 */
export async function renewRootLists(service: Service): Promise<number> {
  let signed = 0
  const failures: unknown[] = []
  for (const root of service.authorities().all) {
    if (root.role !== 'root' || root.key.privateKey === null || root.certificate.notAfter <= service.now()) continue
    try {
      if (await renewRootList(service, root)) signed++
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return signed
}

async function renewRootList({ db, keyring, now }: Service, root: Authority): Promise<boolean> {
  return await db.transaction(async tx => {
    const newest = await lockRootList(tx, root)
    // A list that ends with its root cannot be followed by a longer one.
    if (newest === undefined || newest.nextUpdate.getTime() - now().getTime() > renewBeforeMs || newest.nextUpdate >= root.certificate.notAfter) return false
    const number = newest.crlNumber + 1
    await hierarchyStore(tx).addCrl(root.id, number, [await rootList(keyring, root, number, now(), newest.entries)])
    return true
  })
}
