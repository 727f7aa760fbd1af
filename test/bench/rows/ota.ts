/** Whole Over-the-Air enrollments: simulated phones in parallel, their keys made beforehand; the work of the service and the database is timed. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inviteAt } from '../../support/world.ts'
import { latchkeyOn, type Latchkey } from '../latchkey.ts'
import { signaturesPerSecond } from '../limits.ts'
import type { EnrolledPhones, Enrolling } from '../phones.ts'
import { cpuSeconds, cpuSecondsOfFamily, residentMb } from '../processes.ts'
import { takeTurns, type Contender, type Sample } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { digits, median, reaches, type Work } from '../table.ts'

const parallel = 8
/** Memory that grew by no more than this share since the first round is called flat. */
const flatWithin = 0.25

export async function ota(stage: Stage): Promise<Work[]> {
  const latchkey = await latchkeyOn(stage, 'ota')
  await latchkey.start()
  const phones = fork(fileURLToPath(new URL('../phones.ts', import.meta.url)))
  stage.t.teardown(() => { phones.kill() })
  const enrollAll = async (order: Enrolling): Promise<EnrolledPhones> => {
    phones.send(order)
    return (await Promise.race([once(phones, 'message'), once(phones, 'exit').then(() => { throw new Error('the process of phones has ended') })]))[0] as EnrolledPhones
  }
  let from = 0
  /** Their invitations stand before anything is timed, as an admin's work would. */
  const invited = async (count: number): Promise<Enrolling> => {
    const links = await invite(latchkey, from, count)
    from += count
    return { links, parallel, from: from - count, deviceCaDir: latchkey.deviceCaDir }
  }
  const memory: number[] = []
  const measure = async (): Promise<Sample> => {
    const order = await invited(stage.sizes.phones)
    const [service, server] = [latchkey.pid()!, await stage.serverPid()]
    const [ours, database] = [await cpuSeconds(service), await cpuSecondsOfFamily(server)]
    const { ms, seconds, failures, cpu } = await enrollAll(order)
    if (failures.length > 0) throw new Error(`${failures.length} of ${stage.sizes.phones} phones did not get there: ${failures[0]}`)
    const each = { 'service ms': (await cpuSeconds(service) - ours) * 1000 / ms.length, 'PostgreSQL ms': (await cpuSecondsOfFamily(server) - database) * 1000 / ms.length }
    memory.push(await residentMb(service))
    return { value: 1000 / (each['service ms'] + each['PostgreSQL ms']), about: { ...each, 'with the phones on the same machine /s': ms.length / seconds, 'p50 ms': median(ms), 'phones CPU %': cpu * 100, MB: memory.at(-1)! } }
  }
  await enrollAll(await invited(Math.ceil(stage.sizes.phones / 2)))
  const contenders: Contender[] = [
    { who: 'Latchkey', measure },
    { who: 'limit: openssl speed rsa2048, four private operations for each', measure: async () => ({ value: await signaturesPerSecond('rsa2048') / 4 }) },
  ]
  const [ours, limit] = await takeTurns(stage, 'Over-the-Air', contenders)
  const work = { row: 'ota', work: 'Over-the-Air enrollments, for each second of processor that service and database use together', unit: '/s', better: 'more', ours: ours!, peers: [], limit: limit! } satisfies Omit<Work, 'targets'>
  const [first, last] = [memory[0], memory.at(-1)]
  return [{ ...work, targets: [
    reaches(work, 100, '100/s, no failure'),
    { text: `memory flat (${digits(first ?? 0)} to ${digits(last ?? 0)} MB)`, met: first === undefined || last === undefined || memory.length < 2 ? undefined : last < first * (1 + flatWithin) },
  ] }]
}

async function invite({ service, url }: Latchkey, from: number, count: number): Promise<string[]> {
  const links: string[] = []
  for (let n = from; n < from + count; n++) links.push((await inviteAt(service, url, { email: `bench${n}@example.com`, name: `Person ${n}` })).link)
  return links
}
