/**
 * Whether the service costs more when it is older: `npm run bench:growth`. Makes stores of 10 thousand, 1 million and 10 million
 * certificates on one PostgreSQL server of its own, starts a service on each as an operator would, and asks the same of all of them
 * in turn, so that what else the machine does falls on each alike. The largest takes 60 GB for as long as it runs, and most of the
 * time to be made; a size for which there is no room is left out, and it says so. On the server of DATABASE_URL stores are kept, and
 * what an earlier run left there is asked again (`--seed-only` only makes them). Time alone never fails it.
 */
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDeviceCa } from '../../src/phone/make-ca.ts'
import { outsideTests } from '../support/context.ts'
import { ownServer } from '../support/own-server.ts'
import { curveOf, reportOf, type About, type Grown } from './growth-report.ts'
import { idleMs, openGrowthStore, settled, type GrowthStore } from './growth-store.ts'
import { worksOf, type Work } from './growth-work.ts'

const { values: options } = parseArgs({ options: {
  sizes: { type: 'string', default: '10000,1000000,10000000' }, rounds: { type: 'string', default: '3' }, times: { type: 'string', default: '3' },
  only: { type: 'string' }, json: { type: 'boolean', default: false }, 'seed-only': { type: 'boolean', default: false },
} })
const say = (line: string): void => { process.stderr.write(`${line}\n`) }
/** Of a store on the disk, with its write-ahead log. */
const bytesPerCertificate = 6000
const asked = options.sizes.split(',').map(Number).sort((a, b) => a - b)
const rounds = Number(options.rounds)

const { sizes, notDone } = await thoseWithRoom()

const outside = outsideTests()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void outside.close().finally(() => { process.exit(130) }) })
try {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-growth-'))
  outside.t.teardown(async () => { await rm(folder, { recursive: true, force: true }) })
  const deviceCaDir = join(folder, 'device-ca')
  await makeDeviceCa(deviceCaDir)
  const serverUrl = process.env['DATABASE_URL'] ?? await temporaryServer()
  const stores: GrowthStore[] = []
  for (const size of sizes) {
    const store = await openGrowthStore(size, serverUrl, join(deviceCaDir, 'ca.pem'), say)
    outside.t.teardown(store.close)
    stores.push(store)
  }
  if (!options['seed-only']) await compare(stores, deviceCaDir)
} catch (error) {
  say(error instanceof Error ? error.stack ?? error.message : String(error))
  process.exitCode = 1
} finally {
  await outside.close()
}

/** Prints the report. */
async function compare(stores: readonly GrowthStore[], deviceCaDir: string): Promise<void> {
  for (const store of stores) notDone.push(...[await settled(store)].filter(line => line !== undefined))
  say('what is counted unasked has been counted; a minute in which nobody asks')
  const idle = await idleMs(stores)
  const works = await Promise.all(stores.map(async store => await worksOf(store, { deviceCaDir, enrollments: 5, revocations: 5, times: Number(options.times) })))
  const curves = (await measureAll(works)).map(curveOf)
  for (const { certificates, running } of stores) notDone.push(...failuresIn(running.output()).map(line => `with ${certificates} certificates: ${line}`))
  const about: About = {
    sizes, rounds, machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`, database: stores[0]!.version, kilobytes: stores.map(({ kilobytes }) => kilobytes), ready: stores.map(({ ready }) => ready), idle, notDone,
  }
  process.stdout.write(options.json ? `${JSON.stringify({ about, curves }, null, 2)}\n` : reportOf(about, curves))
}

async function temporaryServer(): Promise<string> {
  const server = await ownServer()
  outside.t.teardown(server.close)
  return server.url
}

async function thoseWithRoom(): Promise<{ sizes: number[], notDone: string[] }> {
  // A server that is named has its own disk, and may have the stores already.
  if (process.env['DATABASE_URL'] !== undefined) return { sizes: asked, notDone: [] }
  const { bavail, bsize } = await statfs(tmpdir())
  const kept: number[] = []
  const notDone: string[] = []
  for (const size of asked) {
    const bytes = [...kept, size].reduce((sum, each) => sum + each * bytesPerCertificate, 0)
    if (bytes < bavail * bsize) kept.push(size)
    else notDone.push(`not run with ${size} certificates: that needs ${(bytes / 1e9).toFixed(0)} GB in ${tmpdir()}, where ${(bavail * bsize / 1e9).toFixed(0)} are free`)
  }
  if (kept.length === 0) throw new Error(notDone.join('; '))
  return { sizes: kept, notDone }
}

/** Each kind of work at each size in turn, in rounds. */
async function measureAll(works: readonly (readonly Work[])[]): Promise<Grown[]> {
  const names = works[0]!.map(({ name }) => name).filter(name => options.only === undefined || name.includes(options.only))
  const grown = names.map(name => ({ name, addresses: works.at(-1)!.find(each => each.name === name)?.addresses ?? [], rounds: works.map((): number[][] => []) }))
  for (let round = 0; round < rounds; round++) {
    for (const { name, rounds: measured } of grown) {
      for (const [index, ofStore] of works.entries()) {
        const work = ofStore.find(each => each.name === name)
        if (work === undefined) throw new Error(`with ${sizes[index]} certificates there is nothing to ask for: ${name}`)
        measured[index]!.push(await work.measure(round))
      }
      say(`${round + 1}/${rounds} ${name}: ${measured.map(perRound => Math.max(...perRound.at(-1)!).toFixed(1)).join(', ')} ms`)
    }
  }
  return grown
}

/** What the service itself says that it could not do. */
function failuresIn(output: string): string[] {
  return [...new Set(output.split('\n').filter(line => line.includes('"task failed"')).map(line => line.replace(/"(?:time|at)":"[^"]*",?/, '')))]
}
