/** Simulated phones in a process of their own: each goes the whole way from the invitation's link to the installed identity. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { enrollPhone } from '../../src/phone/enroll.ts'

/** @property parallel  so many at the same time; @property from  number of the first, which makes its serial number */
export type Enrolling = { links: readonly string[], parallel: number, from: number, deviceCaDir: string }
/** @property failures  what was said to those that did not get there; @property ms  of each that did */
export type EnrolledPhones = { ms: number[], seconds: number, failures: string[], cpu: number }

const key = (modulusLength: number) => (): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey
const [deviceKeys, keys] = [Array.from({ length: 8 }, key(1024)), Array.from({ length: 16 }, key(2048))]

async function enrollAll({ links, parallel, from, deviceCaDir }: Enrolling): Promise<EnrolledPhones> {
  const [ms, failures]: [number[], string[]] = [[], []]
  let next = 0
  const [begun, cpu] = [performance.now(), process.cpuUsage()]
  await Promise.all(Array.from({ length: parallel }, async () => {
    while (next < links.length) {
      const n = next++
      const before = performance.now()
      const outcome = await enrollPhone({
        link: links[n]!, product: 'iPhone14,5', build: '20A362', serial: `BENCH${String(from + n).padStart(7, '0')}`, deviceCaDir, now: () => new Date(),
        keys: { device: deviceKeys[n % 8]!, bootstrap: keys[n % 16]!, identity: keys[(n + 1) % 16]! },
      }).catch((error: unknown) => ({ outcome: String(error) }))
      if (outcome.outcome === 'enrolled') ms.push(performance.now() - before)
      else failures.push(JSON.stringify(outcome).slice(0, 200))
    }
  }))
  const [seconds, used] = [(performance.now() - begun) / 1000, process.cpuUsage(cpu)]
  return { ms, seconds, failures, cpu: (used.user + used.system) / 1e6 / seconds }
}

process.on('message', (order: Enrolling) => {
  void enrollAll(order).then(enrolled => { process.send!(enrolled) })
})
process.on('disconnect', () => { process.exit() })
