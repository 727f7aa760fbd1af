/**
 * Makes complete lists as a publication does, in a process of its own so that its memory can be told from the idle
 * process's. Transactions are rolled back: the next one finds the same.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { publish, type NewCrl, type PublicationStore } from '../../src/certificates/publish.ts'
import { crlEntriesOf } from '../../src/formats/crl-entry-writer.ts'
import { publicationTransaction } from '../../src/store/crls.ts'
import { openServer } from '../../src/store/server.ts'
import { fakeClock } from '../support/clock.ts'
import { testService, type TestService } from '../support/service.ts'
import { peakMb, residentMb } from './processes.ts'
import { median } from './table.ts'

/** @property url  where the lists are reached, which certificates and lists say; @property again  so many more are made after the first */
export type ListOrder = { databaseUrl: string, url: string, again: number }
/**
 * @property firstMs  from the first row that is asked for to signed bytes that were read back, in a process that has made none
 * @property ms  in one that has, at the median
 * @property overIdleMb  the most memory above the idle process's, while the first was made
 */
export type ListMade = { firstMs: number, ms: number, entries: number, bytes: number, idleMb: number, overIdleMb: number }

class Enough extends Error {}

async function makeLists({ databaseUrl, url, again }: ListOrder): Promise<ListMade> {
  const db = await openServer(databaseUrl)
  // An hour ahead: a list of this second may exist.
  const clock = fakeClock(new Date(Date.now() + 3_600_000).toISOString())
  const service = await testService(undefined as never, { db, clock, config: { crlPartitions: 16, url, pkiUrl: url } })
  await wait(300)
  const idleMb = await residentMb(process.pid)
  writeFileSync('/proc/self/clear_refs', '5') // what it was until now does not count as the most
  const first = await makeList(service)
  const overIdleMb = await peakMb(process.pid) - idleMb
  const more: number[] = []
  while (more.length < again) more.push((await makeList(service)).ms)
  await db.close()
  return { firstMs: first.ms, ms: median(more), entries: first.list.entries, bytes: first.list.der.length, idleMb, overIdleMb }
}

async function makeList({ db, keyring, addresses, authorities, now }: TestService): Promise<{ ms: number, list: NewCrl }> {
  let [begun, ended] = [0, 0]
  const made: NewCrl[] = []
  const only = (tx: PublicationStore): PublicationStore => ({
    ...tx,
    async entries(authorityId, listed) {
      // The lists of partitions are others; they come before it.
      if (listed.partition !== undefined) return crlEntriesOf([])
      if (begun === 0) begun = performance.now()
      return await tx.entries(authorityId, listed)
    },
    async add(_authorityId, _crlNumber, crls) {
      ended = performance.now()
      made.push(...crls.filter(({ scope }) => scope === 'complete'))
      throw new Enough()
    },
  })
  const transaction = async <T>(work: (tx: PublicationStore) => Promise<T>): Promise<T> => await publicationTransaction(db)(async tx => await work(only(tx)))
  try {
    await publish({ keyring, addresses, transaction, periods: { nextUpdateMs: 7 * 86_400_000, fullEveryMs: 3_600_000 } }, activeAuthority(authorities(), 'issuing'), now(), true)
  } catch (error) {
    if (!(error instanceof Enough)) throw error
  }
  const [list] = made
  if (list === undefined) throw new Error('no complete list was made')
  return { ms: ended - begun, list }
}

process.on('message', (order: ListOrder) => {
  void makeLists(order).then(made => { process.send!(made) })
})
process.on('disconnect', () => { process.exit() })
