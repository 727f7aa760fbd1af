/**
 * What several instances on one PostgreSQL answer behind nginx, and when a revocation at one is seen at the others:
 * `npm run bench:width`. Makes a store on a PostgreSQL server of its own (or on that of DATABASE_URL), starts 1, 2 and 4
 * instances as an operator would, directly and through PgBouncer in transaction mode, and prints a table.
 */
import { cpus, loadavg } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startFleet, ways, type Way } from './width/fleet.ts'
import { answersOf, seenAfter, type Answered } from './width/measure.ts'
import { reportOf, type Row } from './width/report.ts'
import { openWidthStore, type WidthStore } from './width/store.ts'
import { Undo } from './width/undo.ts'

const { values: options } = parseArgs({ options: {
  good: { type: 'string', default: '50000' }, revoked: { type: 'string', default: '50000' }, instances: { type: 'string', default: '1,2,4' },
  ways: { type: 'string', default: ways.join() }, seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '2' },
  revocations: { type: 'string', default: '20' }, connections: { type: 'string', default: '64' }, json: { type: 'boolean', default: false },
} })
const say = (line: string): void => { process.stderr.write(`${line}\n`) }
const wanted = options.ways.split(',').map(way => {
  const found = ways.find(each => each === way)
  if (found === undefined) throw new Error(`--ways: one of ${ways.join(', ')}`)
  return found
})
const counts = options.instances.split(',').map(Number)
const undo = new Undo(say)
let interrupted = false
const running = run()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true
    // What is being started meanwhile fails, and is undone by whoever started it; nobody is waited for without end.
    void undo.run().then(async () => await Promise.race([running.catch(() => {}), wait(3_000)])).then(() => process.exit(130))
  })
}
try {
  await running
} catch (error) {
  if (!interrupted) throw error
} finally {
  if (!interrupted) await undo.run()
}

async function run(): Promise<void> {
  const loadBefore = loadavg()[0]!
  const store = await openWidthStore({ good: Number(options.good), revoked: Number(options.revoked) }, undo, say)
  const rows: Row[] = []
  for (const way of wanted) for (const count of counts) rows.push(await measured(store, way, count))
  const about = {
    certificates: Number(options.good) + Number(options.revoked), seconds: Number(options.seconds), rounds: Number(options.rounds), revocations: Number(options.revocations), connections: Number(options.connections),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`, database: store.version, loadBefore,
  }
  process.stdout.write(options.json ? `${JSON.stringify({ about, rows }, null, 2)}\n` : reportOf(about, rows))
}

async function measured(store: WidthStore, way: Way, count: number): Promise<Row> {
  say(`${count} × ${way}`)
  const mine = new Undo(say)
  undo.push(async () => await mine.run())
  try {
    const fleet = await startFleet(store, way, count, mine)
    if (typeof fleet === 'string') return { way, count, notRun: fleet }
    const answered: Answered[] = []
    for (let round = 1; round <= Number(options.rounds); round++) {
      answered.push(await answersOf(store, fleet, { seconds: Number(options.seconds), connections: Number(options.connections), say }))
    }
    const seenMs = count === 1 ? [] : await seenAfter(store, fleet, Number(options.revocations))
    if (seenMs.length > 0) say(`  a revocation is seen after ${[...seenMs].sort((a, b) => a - b).map(ms => ms.toFixed(0)).join(' ')} ms`)
    return { way, count, answered, seenMs }
  } finally {
    await mine.run()
  }
}
