import { CaError } from '../../errors.ts'
import type { Database } from '../../store/db.ts'
import { crlFileStore, type CrlHead } from '../../store/crls.ts'

type Kept = { crlNumber: number, sha256: string, der: Promise<Buffer> }

/**
 * The bytes of lists, read once and shared by all who ask, however slowly they read: the newest of each is kept.
 * There are as many as there are lists, so nobody can make it grow.
 *
 * @throws {CaError} crl-not-published when the list has been pruned meanwhile
 */
export function newestLists(db: Database): (list: CrlHead) => Promise<Buffer> {
  const kept = new Map<string, Kept>()
  return async list => {
    const place = `${list.authorityId}/${list.scope}/${list.partition}`
    const sha256 = list.sha256.toString('hex')
    const known = kept.get(place)
    if (known?.sha256 === sha256) return await known.der
    const der = read(db, list)
    // Who was told of an older list, and was slow to come, gets it and takes the newer one from nobody.
    if (known === undefined || known.crlNumber <= list.crlNumber) {
      kept.set(place, { crlNumber: list.crlNumber, sha256, der })
      der.catch(() => { if (kept.get(place)?.der === der) kept.delete(place) })
    }
    return await der
  }
}

async function read(db: Database, list: CrlHead): Promise<Buffer> {
  const der = await crlFileStore(db).read(list)
  // Two publications went by between the two reads: who asks again finds the newer one.
  if (der === undefined) throw new CaError('crl-not-published', 'the list has just been replaced')
  return der
}
