/** Complete lists, from the database to signed bytes. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../support/peers.ts'
import { sha256MbPerSecond } from '../limits.ts'
import type { ListMade, ListOrder } from '../list-maker.ts'
import { opensslCa } from '../peers/openssl-ca.ts'
import { revokedStore } from '../revoked-store.ts'
import { takeTurns, type Contender } from '../rounds.ts'
import { notInstalled, peerProgram, type Stage } from '../stage.ts'
import { aheadOf, reaches, type Series, type Work } from '../table.ts'
import { serialNumbers } from './ocsp.ts'

/** Milliseconds that a list of this size may take; others in proportion. */
const wantedMs = new Map([[10_000, 10], [100_000, 100], [1_000_000, 1500]])
/** From here on openssl has to be left behind by this. */
const [aheadFrom, aheadBy] = [100_000, 8]
/** Takes so long that it is not made again and again. */
const veryLarge = 1_000_000

export async function crl(stage: Stage): Promise<Work[]> {
  const works: Work[] = []
  for (const size of stage.sizes.lists) works.push(...await listOf(stage, size))
  return works
}

async function listOf(stage: Stage, size: number): Promise<Work[]> {
  const { latchkey, grow } = await revokedStore(stage)
  await grow(size)
  let bytes = 0
  const memory: number[] = []
  const contenders: Contender[] = [
    { who: 'Latchkey', measure: async () => {
      const made = await makeLists({ databaseUrl: latchkey.databaseUrl, url: latchkey.url, again: size >= veryLarge ? 1 : 5 })
      if (made.entries < size) throw new Error(`the list has ${made.entries} entries`)
      bytes = made.bytes
      memory.push(made.overIdleMb * 1e6 * 1.048576 / made.bytes)
      return { value: made.ms, about: { 'the first of a process ms': made.firstMs, 'list MB': made.bytes / 1e6, 'idle MB': made.idleMb, 'above idle MB': made.overIdleMb } }
    } },
    await opensslList(stage, size),
    await cfsslList(stage, size),
    { who: 'limit: SHA-256 of its bytes', measure: async () => ({ value: bytes / 1e3 / await sha256MbPerSecond() }) },
  ]
  const [ours, ...others] = await takeTurns(stage, `list of ${size}`, contenders)
  const [limit, ...peers] = [others.at(-1)!, ...others.slice(0, -1)] as [Series, ...Series[]]
  const name = `complete CRL of ${size.toLocaleString('en')} entries, from the database to signed bytes`
  const time = { row: 'crl', work: name, unit: 'ms', better: 'less', ours: ours!, peers, limit } satisfies Omit<Work, 'targets'>
  const room = { row: 'crl', work: `most memory above idle, in units of that list`, unit: '×', better: 'less', ours: { who: 'Latchkey', values: memory }, peers: [] } satisfies Omit<Work, 'targets'>
  const wanted = wantedMs.get(size) ?? size / 1000
  return [
    { ...time, targets: [reaches(time, wanted, `${wanted} ms`), ...size < aheadFrom ? [] : [aheadOf(time, peers.filter(({ who }) => who.startsWith('openssl')), aheadBy, `${aheadBy} × openssl ca -gencrl`)]] },
    ...memory.length === 0 ? [] : [{ ...room, targets: [reaches(room, 3, 'under 3 × its size')] }],
  ]
}

async function makeLists(order: ListOrder): Promise<ListMade> {
  const child = fork(fileURLToPath(new URL('../list-maker.ts', import.meta.url)))
  try {
    child.send(order)
    return (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => { throw new Error('the process that makes the list has ended') })]))[0] as ListMade
  } finally {
    child.kill()
  }
}

/** A whole process, as it is run: it has nothing that stays. Its own database is the index. */
async function opensslList(stage: Stage, size: number): Promise<Contender> {
  const ca = await opensslCa(join(await stage.folder(), 'openssl'), serialNumbers(size), 0)
  const out = join(ca.folder, 'list.pem')
  return { who: 'openssl ca -gencrl, with an index.txt of this size', once: size >= veryLarge, measure: async () => {
    const before = performance.now()
    const { status, stderr } = await run('openssl', ['ca', '-config', ca.config, '-gencrl', '-out', out])
    const value = performance.now() - before
    if (status !== 0) throw new Error(stderr.slice(0, 300))
    const about = { 'list MB': Buffer.from((await readFile(out, 'utf8')).replaceAll(/-----[^-]+-----|\s/g, ''), 'base64').length / 1e6 }
    await rm(out)
    return { value, about }
  } }
}

/** It is given the serial numbers in a file; it knows no date and no reason of each. */
async function cfsslList(stage: Stage, size: number): Promise<Contender> {
  const [who, program] = ['cfssl gencrl, from a file of serial numbers', peerProgram('cfssl')]
  if (program === undefined) return { who, notRun: notInstalled('cfssl') }
  const ca = await opensslCa(join(await stage.folder(), 'cfssl'), [], 0)
  const list = join(ca.folder, 'serials')
  await writeFile(list, [...serialNumbers(size)].map(serialNumber => BigInt(`0x${serialNumber.toString('hex')}`).toString()).join('\n'))
  return { who, once: size >= veryLarge, measure: async () => {
    const before = performance.now()
    const { status, stdout, stderr } = await run(program, ['gencrl', list, join(ca.folder, 'ca.pem'), join(ca.folder, 'ca-key.pem'), '604800'])
    const value = performance.now() - before
    if (status !== 0) throw new Error(stderr.slice(0, 300))
    return { value, about: { 'list MB': stdout.length * 3 / 4 / 1e6 } }
  } }
}
