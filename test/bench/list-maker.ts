/**
 * Makes one complete list as a publication does, in a process of its own so that its memory can be told from the idle
 * process's. The transaction is rolled back: the next time finds the same.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { publish, type NewCrl, type PublicationStore } from '../../src/certificates/publish.ts'
import { publicationTransaction } from '../../src/store/crls.ts'
import { openServer } from '../../src/store/server.ts'
import { fakeClock } from '../support/clock.ts'
import { testService } from '../support/service.ts'
import { peakMb, residentMb } from './processes.ts'

/** @property url  where the lists are reached, which certificates and lists say */
export type ListOrder = { databaseUrl: string, url: string }
/** @property ms  from the first row that is asked for to signed bytes that were read back; @property overIdleMb  the most memory above the idle process's */
export type ListMade = { ms: number, entries: number, bytes: number, idleMb: number, overIdleMb: number }

class Enough extends Error {}

async function makeList({ databaseUrl, url }: ListOrder): Promise<ListMade> {
  const db = await openServer(databaseUrl)
  // An hour ahead: a list of this second may exist.
  const clock = fakeClock(new Date(Date.now() + 3_600_000).toISOString())
  const { keyring, addresses, authorities } = await testService(undefined as never, { db, clock, config: { crlPartitions: 16, url, pkiUrl: url } })
  let [begun, ended] = [0, 0]
  const made: NewCrl[] = []
  const only = (tx: PublicationStore): PublicationStore => ({
    ...tx,
    async entries(authorityId, listed) {
      // The lists of partitions are others; they come before it.
      if (listed.partition !== undefined) return []
      if (begun === 0) begun = performance.now()
      return await tx.entries(authorityId, listed)
    },
    async add(_authorityId, _crlNumber, crls) {
      ended = performance.now()
      made.push(...crls.filter(({ scope }) => scope === 'complete'))
      throw new Enough()
    },
  })
  await wait(300)
  const idleMb = await residentMb(process.pid)
  writeFileSync('/proc/self/clear_refs', '5') // what it was until now does not count as the most
  const periods = { nextUpdateMs: 7 * 86_400_000, fullEveryMs: 3_600_000 }
  try {
    await publish({ keyring, addresses, periods, transaction: async work => await publicationTransaction(db)(async tx => await work(only(tx))) }, activeAuthority(authorities(), 'issuing'), clock.now(), true)
  } catch (error) {
    if (!(error instanceof Enough)) throw error
  }
  const [list] = made
  if (list === undefined) throw new Error('no complete list was made')
  const peak = await peakMb(process.pid)
  await db.close()
  return { ms: ended - begun, entries: list.entries, bytes: list.der.length, idleMb, overIdleMb: peak - idleMb }
}

process.on('message', (order: ListOrder) => {
  void makeList(order).then(made => { process.send!(made) })
})
process.on('disconnect', () => { process.exit() })
