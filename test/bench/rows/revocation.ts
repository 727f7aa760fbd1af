/** One revocation over the API, from request to answer: where nothing is revoked, and where very many are. */
import { setTimeout as wait } from 'node:timers/promises'
import { issueDevice, type Issued } from '../../support/issued.ts'
import { latchkeyOn, type Latchkey } from '../latchkey.ts'
import { revokedStore } from '../revoked-store.ts'
import { takeTurns, type Contender } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { middleOf, type Work } from '../table.ts'

/**
 * Lists are signed after each, in the next second where one of this second exists; one revocation is measured, and not what
 * the one before it, here or there, has left to do.
 */
const pauseMs = 1300
const within = 0.2

export async function revocation(stage: Stage): Promise<Work[]> {
  const many = stage.sizes.lists.at(-1)!
  const { latchkey: full, grow } = await revokedStore(stage)
  await grow(many)
  const empty = await latchkeyOn(stage, 'nothing_revoked')
  const contenders: Contender[] = []
  for (const [who, latchkey] of [['Latchkey', full], ['Latchkey, with nothing revoked before', empty]] as const) contenders.push({ who, measure: await revoking(stage, latchkey) })
  // One here, one there: the difference is less than what a machine does to a whole series of them.
  const [ours, others] = await takeTurns(stage, 'revocation', contenders, stage.sizes.samples * stage.sizes.rounds)
  const [own, without] = [middleOf(ours), middleOf(others)]
  return [{
    row: 'revocation', work: `one revocation with ${many.toLocaleString('en')} already revoked, request to answer`, unit: 'ms at the median', better: 'less', ours: ours!, peers: [others!],
    targets: [{ text: 'as with none, within 20 %', met: own === undefined || without === undefined ? undefined : own <= without * (1 + within) }],
  }]
}

async function revoking(stage: Stage, latchkey: Latchkey): Promise<() => Promise<{ value: number }>> {
  const { samples, rounds } = stage.sizes
  const issued: Issued[] = []
  while (issued.length <= samples * rounds) issued.push(await issueDevice(latchkey.service))
  await latchkey.start()
  await listsArePublished(latchkey)
  // The first of a process is not counted.
  await revoke(latchkey, issued.pop()!)
  return async () => {
    await wait(pauseMs)
    return { value: await revoke(latchkey, issued.pop()!) }
  }
}

async function revoke({ url, token }: Latchkey, { serialNumber }: Issued): Promise<number> {
  const before = performance.now()
  const response = await fetch(`${url}/api/v1/certificates/revoke`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ certificate: serialNumber.toString('hex'), reason: 'keyCompromise' }),
  })
  await response.arrayBuffer()
  const took = performance.now() - before
  if (response.status !== 200) throw new Error(`a revocation was answered with ${response.status}`)
  return took
}

/** The schedule publishes at its start, which takes a while where very many are revoked. */
async function listsArePublished({ url }: Latchkey): Promise<void> {
  for (let tried = 0; tried < 1800; tried++) {
    const response = await fetch(`${url}/crl/issuing.crl`, { method: 'HEAD' })
    if (response.ok) return
    await wait(100)
  }
  throw new Error('no list was published')
}
